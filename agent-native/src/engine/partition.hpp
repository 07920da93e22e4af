// How a device is divided into contexts. On a CPU a context is a set of cores, on a GPU a number of SMs.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace daris::engine {

/// How contexts of a GPU are kept apart. On a CPU they are sets of cores in each mode.
enum class PartitionMode : std::uint8_t {
  GreenContexts,  ///< SMs of their own, in one process
  Streams,        ///< not at all: each context may use the whole GPU
  Mps,            ///< by NVIDIA's MPS, a process for each
  MpsStreams,     ///< the same, with several streams each
};

/// N_c contexts of N_s streams each; oversubscription 1 <= OS <= N_c (the paper's eq. 9).
struct Partitioning {
  std::uint32_t contexts = 1;
  std::uint32_t streams_per_context = 1;
  double oversubscription = 1;
  PartitionMode mode = PartitionMode::GreenContexts;

  bool operator==(const Partitioning&) const = default;
};

/// The cores of each context: ceil(OS * cores / N_c) of them, at least one, no rounding to even numbers. They
/// are dealt in a row, starting anew at the end, so that no core serves more than one context more than
/// another. Throws std::invalid_argument where cores is empty, N_c or N_s is 0, or OS is not within [1, N_c].
[[nodiscard]] std::vector<std::vector<std::uint32_t>> divide_cores(std::span<const std::uint32_t> cores,
                                                                   const Partitioning& partitioning);

/// SMs of each context of a GPU that has `sms` of them: ceil_even(OS * SM_max / N_c), eq. 9, and never more
/// than there are. Throws std::invalid_argument where a context's share is below one SM, N_c or N_s is 0, or
/// OS is not within [1, N_c].
[[nodiscard]] std::uint32_t sms_per_context(std::uint32_t sms, const Partitioning& partitioning);

/// How many streams share the busiest core when all of them run, at least 1: what a stage's execution
/// time on a core of its own is to be multiplied by to have its time at full load. `contexts` as
/// divide_cores makes them.
[[nodiscard]] double streams_per_core(std::span<const std::vector<std::uint32_t>> contexts,
                                      std::uint32_t streams_per_context);

}  // namespace daris::engine
