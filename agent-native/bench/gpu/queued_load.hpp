// A load by a rule of queues alone, on the slots that the scheduler has in other runs.
#pragma once

#include <memory>
#include <vector>

#include "gpu/figures.hpp"
#include "gpu/open_loop.hpp"
#include "gpu/plan.hpp"
#include "gpu/task_group.hpp"

namespace daris::bench {

[[nodiscard]] std::unique_ptr<QueueRule> rule_of(const QueuedPlan& plan,
                                                 const std::vector<OpenClass>& classes);

struct QueuedRun {
  Window window;
  Samples samples;
};

/// Serves the tasks, each of which has its input, on the calling thread. Throws what OpenLoop throws.
[[nodiscard]] QueuedRun serve_queued(engine::Engine& engine, const std::vector<OpenClass>& classes,
                                     const std::vector<TaskGroup>& groups, const QueuedPlan& plan);

}  // namespace daris::bench
