// Tasks alike, with what their plan left open: the same for whoever serves them.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "engine/engine.hpp"
#include "gpu/plan.hpp"

namespace daris::bench {

struct TaskGroup {
  GroupPlan plan;
  std::uint32_t tasks = 1;
  DurationUs period_us = 1;         ///< and the deadline
  std::vector<DurationUs> afet_us;  ///< of each stage, as told to the scheduler
  /// One for each task; none: the package's sample.
  std::vector<std::shared_ptr<engine::JobMemory>> inputs{};
};

/// The group of each task, in the order in which they are added: high ones first, as Algorithm 1 places them.
[[nodiscard]] std::vector<std::uint32_t> high_first(std::span<const TaskGroup> groups);

/// How long tasks are served after the last window: what was released in it shall not end on a GPU that grows
/// idle.
[[nodiscard]] DurationUs tail_us(std::span<const TaskGroup> groups);

/// Room for all releases of so many seconds and what is served beside them.
[[nodiscard]] std::size_t releases_of(std::span<const TaskGroup> groups, double seconds);

/// Where in its period the index-th task is released, index from 1. Releases lie between each other in a
/// pattern that is even, yet repeats in no task's period.
[[nodiscard]] DurationUs release_offset(std::size_t index, DurationUs period);

[[nodiscard]] nlohmann::json description_of(const TaskGroup& group);

}  // namespace daris::bench
