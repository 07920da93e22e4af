// What is said of a GPU, as plain values: figures of its driver, who else works on it, and what is wrong with
// it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace daris::device {

/// A process that has a compute context on the GPU.
struct Process {
  std::uint32_t pid = 0;               ///< as the driver tells it: of this PID namespace, or of the host's
  std::vector<std::uint32_t> lineage;  ///< its process and that one's ancestors, where /proc knows them
  std::optional<std::uint64_t> memoryBytes;  ///< absent: the driver does not tell
  bool mps = false;                          ///< a client of an MPS daemon
  std::string name;                          ///< empty: cannot be read from here

  bool operator==(const Process&) const = default;
};

/// Everybody on the GPU at one instant.
struct Census {
  std::vector<Process> processes;          ///< each pid once
  std::optional<std::uint64_t> usedBytes;  ///< of the GPU's memory, by whomever
};

/// Figures; one that the driver does not tell is absent.
struct Reading {
  std::optional<std::uint64_t> memoryUsedBytes;
  std::optional<std::uint64_t> memoryTotalBytes;
  std::optional<std::uint32_t> smClockMhz;
  std::optional<std::uint32_t> memoryClockMhz;
  std::optional<std::uint32_t> powerMilliwatts;
  std::optional<std::uint32_t> temperatureCelsius;
  std::vector<std::string> throttling;            ///< what keeps its clocks down, in words of one token
  std::optional<std::uint64_t> eccUncorrectable;  ///< memory errors since the GPU was reset
  bool lost = false;                              ///< it does not answer any more
};

/// An error that the driver has logged (https://docs.nvidia.com/deploy/xid-errors).
struct Xid {
  std::uint64_t code = 0;
  TimeUs wallUs = 0;  ///< microseconds since the Unix epoch
};

/// Why no new work should go to the GPU.
struct Fault {
  std::string reason;  ///< one word
  std::string message;

  bool operator==(const Fault&) const = default;
};

/// Who else works on the GPU.
struct Foreign {
  std::vector<Process> processes;
  std::uint64_t hiddenBytes = 0;  ///< held by processes that cannot be seen from here

  [[nodiscard]] bool any() const { return !processes.empty() || hiddenBytes > 0; }
};

struct Report {
  Reading reading;
  Foreign foreign;
  std::string sharing;  ///< `foreign` in words; empty: nobody else is there
  std::optional<Fault> fault;
  std::optional<Xid> lastXid;
  std::uint64_t xids = 0;  ///< seen since the process started
};

}  // namespace daris::device
