// Which desired tasks may run here and why others may not: a pure decision over desired state and models.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.hpp"
#include "runtime/capacities.hpp"
#include "runtime/desired_state.hpp"
#include "runtime/observed_state.hpp"

namespace daris::runtime {

/// What becomes of one desired task. Serving says that it may run as soon as it has slots.
struct Verdict {
  TaskPhase phase = TaskPhase::Serving;
  std::string reason;              // Refused
  std::string message;             // Refused; Serving: what people should know all the same
  std::vector<DurationUs> afetUs;  // Serving: one per stage, at the task's batch size
};

/// One verdict for each desired task, in their order. Reasons: InvalidTask, DuplicateName, UnknownGpu,
/// UnknownContext, CompiledCodeNotAllowed, ModelFailed, BatchNotInPackage, Overcommitted. High-priority tasks
/// of `incumbents` (uids) book their context before others, so that a newcomer is refused and never one that
/// runs. A task of a class that joins goes by that one's AFETs, and is booked as it counts among its like;
/// any other by the AFETs that it brings, else by those of its model, and waits where there are none.
[[nodiscard]] std::vector<Verdict> plan(const DesiredState& desired, const engine::Device& device,
                                        const ModelTable& models, const JoinedClasses& joined,
                                        const std::set<std::string, std::less<>>& incumbents);

/// The model that has to be measured next; nothing where none has to. Tasks that wait for AFETs come before
/// models that are measured for their own sake. What could not be measured is not tried again and again.
[[nodiscard]] std::optional<std::string> nextToMeasure(const DesiredState& desired, const ModelTable& models,
                                                       const JoinedClasses& joined);

}  // namespace daris::runtime
