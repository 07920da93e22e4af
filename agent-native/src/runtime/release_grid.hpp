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

  struct Point {
    TimeUs atUs = 0;            // steady instant
    std::uint64_t omitted = 0;  // points before it that passed unused
  };

  /// What to release at `nowUs` of a task that was due at `dueUs`, at or before it: the newest point that has
  /// passed. After a stall of more than a period the older ones are left out: their jobs would be late before
  /// they begin, and the newest would find its task busy.
  [[nodiscard]] Point latest(TimeUs dueUs, TimeUs nowUs, std::int64_t wallMinusSteadyUs) const;

  /// The point after `pointUs`: at least half a period after it, so that no step of the clock makes a burst.
  [[nodiscard]] TimeUs after(TimeUs pointUs, std::int64_t wallMinusSteadyUs) const;

  friend bool operator==(const ReleaseGrid&, const ReleaseGrid&) = default;

 private:
  DurationUs periodUs_;
  DurationUs offsetUs_;
};

}  // namespace daris::runtime
