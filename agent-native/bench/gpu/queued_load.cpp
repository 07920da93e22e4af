#include "gpu/queued_load.hpp"

namespace daris::bench {
namespace {

std::vector<OpenTask> tasks_of(const std::vector<TaskGroup>& groups) {
  std::vector<OpenTask> tasks;
  std::vector<std::size_t> taken(groups.size(), 0);
  for (const std::uint32_t index : high_first(groups)) {
    const TaskGroup& group = groups[index];
    tasks.push_back({.group = index,
                     .class_index = group.plan.class_index,
                     .high = group.plan.priority == sched::Priority::High,
                     .period_us = group.period_us,
                     .input = group.inputs[taken[index]++].get()});
  }
  return tasks;
}

}  // namespace

std::unique_ptr<QueueRule> rule_of(const QueuedPlan& plan, const std::vector<OpenClass>& classes) {
  if (plan.triton) return std::make_unique<TritonRule>(*plan.triton);
  std::vector<std::uint32_t> most;
  for (const OpenClass& each : classes) most.push_back(each.capacities.back());
  return std::make_unique<FreeLaneRule>(most);
}

QueuedRun serve_queued(engine::Engine& engine, const std::vector<OpenClass>& classes,
                       const std::vector<TaskGroup>& groups, const QueuedPlan& plan) {
  const runtime::SystemClock clock;
  const auto rule = rule_of(plan, classes);
  OpenLoop loop(engine, clock, classes, tasks_of(groups), *rule,
                releases_of(groups, plan.warm_up_seconds + plan.seconds));
  Window window{.name = "all"};
  window.from_us = clock.steadyUs() + static_cast<TimeUs>(plan.warm_up_seconds * 1e6);
  window.to_us = window.from_us + static_cast<TimeUs>(plan.seconds * 1e6);
  return {window, loop.run_until(window.to_us + tail_us(groups))};
}

}  // namespace daris::bench
