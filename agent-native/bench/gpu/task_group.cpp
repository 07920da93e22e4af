#include "gpu/task_group.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace daris::bench {

std::vector<std::uint32_t> high_first(std::span<const TaskGroup> groups) {
  std::vector<std::uint32_t> order;
  for (const sched::Priority priority : {sched::Priority::High, sched::Priority::Low}) {
    for (std::uint32_t i = 0; i < groups.size(); ++i) {
      if (groups[i].plan.priority == priority) order.insert(order.end(), groups[i].tasks, i);
    }
  }
  return order;
}

DurationUs tail_us(std::span<const TaskGroup> groups) {
  constexpr DurationUs kLongestUs = 200'000;
  DurationUs longest = 0;
  for (const TaskGroup& group : groups) longest = std::max(longest, group.period_us);
  return std::min(longest, kLongestUs);
}

std::size_t releases_of(std::span<const TaskGroup> groups, double seconds) {
  constexpr double kMore = 1;  // what follows the window, and what precedes the warm-up
  constexpr std::size_t kSpare = 1000;
  double rate = 0;
  for (const TaskGroup& group : groups) rate += group.tasks * 1e6 / static_cast<double>(group.period_us);
  return static_cast<std::size_t>(rate * (seconds + kMore)) + kSpare;
}

DurationUs release_offset(std::size_t index, DurationUs period) {
  constexpr double kGoldenShare = 0.6180339887498949;
  const double turns = static_cast<double>(index) * kGoldenShare;
  const auto offset = static_cast<DurationUs>((turns - std::floor(turns)) * static_cast<double>(period));
  return std::min(offset, period - 1);
}

nlohmann::json description_of(const TaskGroup& group) {
  return {{"priority", group.plan.priority == sched::Priority::High ? "High" : "Low"},
          {"class", group.plan.class_index},
          {"tasks", group.tasks},
          {"periodUs", group.period_us}};
}

}  // namespace daris::bench
