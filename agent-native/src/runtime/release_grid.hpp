// Periodic releases on the wall-clock grid k * period + offset, as pure arithmetic on steady time.
// Because each point is computed from the grid, neither late wake-ups nor restarts add up to a drift.
#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace daris::runtime {

/// The grid of one task. `wallMinusSteadyUs` is how far the wall clock is ahead of the steady one, re-read by
/// the caller; when the wall clock was stepped, the next point simply lies on the grid as it is now.
class ReleaseGrid {
 public:
  /// 0 < period, 0 <= offset < period.
  ReleaseGrid(DurationUs periodUs, DurationUs offsetUs) : periodUs_(periodUs), offsetUs_(offsetUs) {}

  /// The first point at or after a steady instant.
  [[nodiscard]] TimeUs firstFrom(TimeUs steadyUs, std::int64_t wallMinusSteadyUs) const;

  struct Step {
    TimeUs nextUs = 0;          // steady instant of the next release
    std::uint64_t omitted = 0;  // points that passed unused, by a stall of more than half a period
  };

  /// The release after the one that was due at `dueUs`, seen from `nowUs`: at least half a period after it,
  /// so that no clock step makes a burst, and no more than half a period ago, so that no stall does.
  [[nodiscard]] Step after(TimeUs dueUs, TimeUs nowUs, std::int64_t wallMinusSteadyUs) const;

  friend bool operator==(const ReleaseGrid&, const ReleaseGrid&) = default;

 private:
  DurationUs periodUs_;
  DurationUs offsetUs_;
};

}  // namespace daris::runtime
