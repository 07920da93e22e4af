// The two clocks of the runtime: the steady one that all deadlines use, and the wall clock of the grid.
#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace daris::runtime {

/// Injected, so that tests can step either clock. Read by any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Microseconds of the monotonic clock; the clock of engine completions.
  [[nodiscard]] virtual TimeUs steadyUs() const = 0;
  /// Microseconds since the Unix epoch; may step either way.
  [[nodiscard]] virtual std::int64_t wallUs() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] TimeUs steadyUs() const override;
  [[nodiscard]] std::int64_t wallUs() const override;
};

}  // namespace daris::runtime
