#include "runtime/release_grid.hpp"

#include <algorithm>

namespace daris::runtime {

namespace {

/// The smallest multiple of `period` at or above `value`, which may be negative.
std::int64_t ceilToMultiple(std::int64_t value, std::int64_t period) {
  const std::int64_t rest = value % period;
  if (rest == 0) return value;
  return value - rest + (rest > 0 ? period : 0);
}

}  // namespace

TimeUs ReleaseGrid::firstFrom(TimeUs steadyUs, std::int64_t wallMinusSteadyUs) const {
  const std::int64_t wallUs = steadyUs + wallMinusSteadyUs;
  return ceilToMultiple(wallUs - offsetUs_, periodUs_) + offsetUs_ - wallMinusSteadyUs;
}

ReleaseGrid::Step ReleaseGrid::after(TimeUs dueUs, TimeUs nowUs, std::int64_t wallMinusSteadyUs) const {
  const DurationUs half = periodUs_ / 2;
  const TimeUs earliest = std::max(dueUs + periodUs_ - half, nowUs - half);
  const TimeUs nextUs = firstFrom(earliest, wallMinusSteadyUs);
  const std::int64_t periods = (nextUs - dueUs + half) / periodUs_;
  return {nextUs, static_cast<std::uint64_t>(std::max<std::int64_t>(periods - 1, 0))};
}

}  // namespace daris::runtime
