// Where what is known of a GPU comes from. NVML in a runtime; a recorded list in tests of what no machine
// here has.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "device/report.hpp"

namespace daris::device {

class GpuSource {
 public:
  virtual ~GpuSource() = default;

  /// May take milliseconds. By one thread at a time.
  [[nodiscard]] virtual Reading read() = 0;
  /// Nothing where the driver does not tell. By the thread that reads.
  [[nodiscard]] virtual std::optional<Census> census() = 0;

  /// Whether the driver tells of Xid errors.
  [[nodiscard]] virtual bool tellsXids() const = 0;
  /// Waits for the next Xid error, for that long at most. By one thread at a time, beside the one that reads.
  [[nodiscard]] virtual std::optional<std::uint64_t> awaitXid(std::chrono::milliseconds patience) = 0;
};

}  // namespace daris::device
