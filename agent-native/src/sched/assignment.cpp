// Algorithm 1: each task in turn to the context with the least total utilization per stream.
#include "sched/assignment.hpp"

#include <algorithm>
#include <numeric>

namespace daris::sched {

namespace {

std::vector<std::size_t> inOrder(std::span<const AssignmentTask> tasks) {
  std::vector<std::size_t> order(tasks.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // string_view compares as unsigned bytes, which is the order that names need.
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const AssignmentTask& x = tasks[a];
    const AssignmentTask& y = tasks[b];
    if (x.context || y.context) return x.context && !y.context;
    if (x.priority != y.priority) return x.priority == Priority::High;
    if (x.util != y.util) return x.util > y.util;
    return x.name < y.name;
  });
  return order;
}

std::size_t positionOf(std::span<const AssignmentContext> contexts, ContextRef context) {
  const auto at = std::find_if(contexts.begin(), contexts.end(), [&](const AssignmentContext& candidate) {
    return candidate.context == context;
  });
  assert(at != contexts.end());
  return static_cast<std::size_t>(at - contexts.begin());
}

}  // namespace

std::size_t leastLoaded(std::span<const AssignmentContext> contexts) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < contexts.size(); ++i)
    if (lessLoaded(contexts[i].total, contexts[i].streams, contexts[best].total, contexts[best].streams))
      best = i;
  return best;
}

std::vector<Assignment> assign(std::span<const AssignmentTask> tasks,
                               std::vector<AssignmentContext> contexts) {
  std::vector<Assignment> assigned;
  assigned.reserve(tasks.size());
  for (const std::size_t index : inOrder(tasks)) {
    const AssignmentTask& task = tasks[index];
    AssignmentContext& to =
        contexts[task.context ? positionOf(contexts, *task.context) : leastLoaded(contexts)];
    to.total += task.util;
    assigned.push_back({index, to.context, task.util, to.total});
  }
  return assigned;
}

}  // namespace daris::sched
