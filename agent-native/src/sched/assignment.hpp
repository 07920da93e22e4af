// Algorithm 1 (section IV-A): tasks onto contexts, as a pure function of utilizations.
// The same rule for a batch at start and for one task that is added later.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "sched/types.hpp"

namespace daris::sched {

struct AssignmentTask {
  std::string_view name;  // breaks ties, by unsigned bytes
  Priority priority = Priority::Low;
  Utilization util;
  std::optional<ContextRef> context;  // given: assigned first, in the order of the input
};

struct AssignmentContext {
  ContextRef context;
  std::uint32_t streams = 1;
  Utilization total;  // already there; grows
};

struct Assignment {
  std::size_t task = 0;  // position in the input
  ContextRef context;
  Utilization util;
  Utilization total;  // the context's, after
};

/// Assigns every task: those that name a context first, in order; then HP before LP, by descending
/// utilization, ties by name; each to the least total / N_s, ties by position. Answers in the order of
/// assignment. `contexts` must ascend and not be empty, and a named one must be among them.
[[nodiscard]] std::vector<Assignment> assign(std::span<const AssignmentTask> tasks,
                                             std::vector<AssignmentContext> contexts);

}  // namespace daris::sched
