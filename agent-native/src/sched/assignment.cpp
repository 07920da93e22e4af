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
  const auto at = std::lower_bound(contexts.begin(), contexts.end(), context,
                                   [](const AssignmentContext& a, ContextRef b) { return a.context < b; });
  assert(at != contexts.end() && at->context == context);
  return static_cast<std::size_t>(at - contexts.begin());
}

/// Positions of contexts as a heap with the least total / N_s on top, ties by position: a choice costs
/// O(log n) of them.
class LeastLoaded {
 public:
  explicit LeastLoaded(const std::vector<AssignmentContext>& contexts) : goesAfter_{contexts} {
    heap_.resize(contexts.size());
    std::iota(heap_.begin(), heap_.end(), std::size_t{0});
    std::make_heap(heap_.begin(), heap_.end(), goesAfter_);
  }

  /// Takes the top out; it comes back with its new total.
  std::size_t take() {
    std::pop_heap(heap_.begin(), heap_.end(), goesAfter_);
    return heap_.back();
  }
  void putBack() { std::push_heap(heap_.begin(), heap_.end(), goesAfter_); }

 private:
  struct GoesAfter {
    const std::vector<AssignmentContext>& contexts;
    bool operator()(std::size_t a, std::size_t b) const {
      const AssignmentContext& x = contexts[a];
      const AssignmentContext& y = contexts[b];
      if (lessLoaded(y.total, y.streams, x.total, x.streams)) return true;
      return b < a && !lessLoaded(x.total, x.streams, y.total, y.streams);
    }
  };

  const GoesAfter goesAfter_;
  std::vector<std::size_t> heap_;
};

}  // namespace

std::vector<Assignment> assign(std::span<const AssignmentTask> tasks,
                               std::vector<AssignmentContext> contexts) {
  std::vector<Assignment> assigned;
  assigned.reserve(tasks.size());
  const auto add = [&](std::size_t task, AssignmentContext& to) {
    to.total += tasks[task].util;
    assigned.push_back({task, to.context, tasks[task].util, to.total});
  };
  const std::vector<std::size_t> order = inOrder(tasks);
  std::size_t next = 0;
  for (; next < order.size() && tasks[order[next]].context; ++next)
    add(order[next], contexts[positionOf(contexts, *tasks[order[next]].context)]);
  LeastLoaded least(contexts);
  for (; next < order.size(); ++next) {
    add(order[next], contexts[least.take()]);
    least.putBack();
  }
  return assigned;
}

}  // namespace daris::sched
