// A load under joining: many tasks of one model with one job each 33 ms, near what the GPU can do at all, on
// two streams. Units take what ResNet18 takes on an H200 (two streams, FP16).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "sched/types.hpp"

namespace daris::bench {

inline constexpr DurationUs kJoinedPeriodUs = 33'333;
inline constexpr std::uint32_t kJoinedStages = 4;
inline constexpr std::uint32_t kJoinedStreams = 2;

/// Capacities, and how long a unit of each takes alone.
inline constexpr std::array<std::pair<std::uint32_t, DurationUs>, 8> kJoinedUnits{
    {{1, 190}, {2, 215}, {4, 260}, {8, 330}, {16, 521}, {32, 921}, {64, 1645}, {128, 3145}}};

[[nodiscard]] inline sched::Config joinedConfig() {
  sched::Config config{{{.smCount = 132, .contexts = 1, .streamsPerContext = kJoinedStreams}}, {}};
  config.policy.joining = true;
  config.policy.mretAging = true;
  config.policy.admission = sched::Admission::Predicted;
  return config;
}

[[nodiscard]] inline std::vector<sched::Capacity> joinedCapacities() {
  std::vector<sched::Capacity> capacities;
  for (const auto& [jobs, unitUs] : kJoinedUnits)
    capacities.push_back({jobs, std::vector<DurationUs>(kJoinedStages, unitUs / kJoinedStages)});
  return capacities;
}

/// The order-th task, one in three of high priority.
[[nodiscard]] inline sched::TaskSpec joinedTask(std::uint32_t order) {
  sched::TaskSpec spec;
  spec.priority = order % 3 == 0 ? sched::Priority::High : sched::Priority::Low;
  spec.periodUs = spec.deadlineUs = kJoinedPeriodUs;
  spec.afetUs.assign(kJoinedStages, kJoinedUnits.front().second / kJoinedStages);
  spec.order = order;
  return spec;
}

/// How long the next stage of a unit takes: about its AFET.
class JoinedTimes {
 public:
  [[nodiscard]] DurationUs nextUs(std::uint32_t capacity) {
    const auto unit = std::ranges::find(kJoinedUnits, capacity, &std::pair<std::uint32_t, DurationUs>::first);
    random_ = random_ * 1664525 + 1013904223;
    return unit->second / kJoinedStages * (97 + (random_ >> 16) % 6) / 100;
  }

 private:
  std::uint32_t random_ = 1;
};

}  // namespace daris::bench
