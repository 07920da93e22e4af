// The engine that computes nothing: a stage lasts as long as its package says. For tests at scale and for
// what-if questions; what it serves are zeros.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.hpp"

namespace daris::engine::sim {

/// The GPU that is stood in for. Nothing of it is checked but that it can be divided.
struct SimulatedGpu {
  std::string uuid = "sim-0";  ///< of one of its node's
  std::string product = "Simulated GPU";
  std::uint32_t sms = 132;
  std::uint64_t memory_bytes = std::uint64_t{80} << 30;
};

/// An engine whose one thread, which ends the stages of all streams, keeps to these cores. Contexts take
/// nothing from each other: a stage lasts as long in a small one as in a large one, however many run beside
/// it. Throws std::invalid_argument where this process may use none of the cores.
[[nodiscard]] std::unique_ptr<Engine> make_engine(const SimulatedGpu& gpu,
                                                  const std::vector<std::uint32_t>& cores);

}  // namespace daris::engine::sim
