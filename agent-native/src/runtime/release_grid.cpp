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

ReleaseGrid::Point ReleaseGrid::latest(TimeUs dueUs, TimeUs nowUs, std::int64_t wallMinusSteadyUs) const {
  const TimeUs newest = firstFrom(nowUs - periodUs_ + 1, wallMinusSteadyUs);
  const std::int64_t periods = (newest - dueUs + periodUs_ / 2) / periodUs_;
  if (periods < 1) return {dueUs, 0};
  return {newest, static_cast<std::uint64_t>(periods)};
}

TimeUs ReleaseGrid::after(TimeUs pointUs, std::int64_t wallMinusSteadyUs) const {
  return firstFrom(pointUs + periodUs_ - periodUs_ / 2, wallMinusSteadyUs);
}

}  // namespace daris::runtime
