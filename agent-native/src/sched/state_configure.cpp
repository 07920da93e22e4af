// A new policy or partition under running tasks. Contexts that are gone drain; idle tasks leave them at once,
// active ones at the end of their job (settle).
#include <algorithm>

#include "sched/state.hpp"

namespace daris::sched {

Scheduler::State::State(const Config& config) : policy_(config.policy) {
  partition_.configure(config.gpus);
  reserveTested();
  candidates_.reserve(kMaxUnitJobs);
}

Outcome<Done> Scheduler::State::configure(const Config& config, TimeUs now) {
  if (auto error = checkTime(now)) return *error;
  if (auto error = checkConfig(config)) return *error;
  lastUs_ = now;
  const bool restaged = policy_.staging != config.policy.staging;
  switchJoining(config.policy.joining);
  policy_ = config.policy;
  // Estimates first: the tasks that must move are then placed by what they need under the new policy.
  for (std::uint32_t index = 0; index < tasks_.capacity(); ++index)
    if (tasks_.used(index)) adoptPolicy(tasks_[index], restaged);
  refreshEstimates();
  partition_.configure(config.gpus);
  partition_.reserveGroups(groups_.size());
  reserveTested();
  leaveDrainingContexts();
  lookAtTasks();
  return Done{};
}

/// Makes room for what is tested at one instant: the contexts of a GPU, for each job that may end then.
void Scheduler::State::reserveTested() {
  std::size_t contexts = 1;
  partition_.forEach(
      [&](ContextRef ref, const Context&) { contexts = std::max<std::size_t>(contexts, ref.index + 1); });
  tested_.reserve(contexts * mostJobs());
  released_.reserve(mostJobs());
}

void Scheduler::State::adoptPolicy(Task& task, bool restaged) {
  if (restaged && !task.removed) {
    TaskSpec spec = task.latestSpec();
    if (!task.changePending) spec.context.reset();
    changeOrDefer(task, spec);
  }
  task.terms.windows.resize(policy_.mretWindow);
  if (task.changePending) task.change->windows.resize(policy_.mretWindow);
}

/// Recomputes what follows from the MRETs, after the windows changed their length.
void Scheduler::State::refreshEstimates() {
  for (const std::uint32_t index : joining_) {
    joined_[index].resize(policy_.mretWindow);
    chooseCapacity(index);
  }
  for (std::uint32_t index = 0; index < tasks_.capacity(); ++index)
    if (tasks_.used(index)) setUtil(tasks_[index]);
  for (std::uint32_t index = 0; index < units_.capacity(); ++index)
    if (units_.used(index)) refreshUnit(index);
}

void Scheduler::State::refreshUnit(std::uint32_t unitIndex) {
  Unit& unit = units_[unitIndex];
  if (isFormed(unit)) return;  // it counts with the MRETs of when it was formed
  const TaskTerms& terms = tasks_[jobs_[unit.firstJob].task.index].terms;
  DurationUs remainingUs = 0;
  if (unit.started) {
    for (std::uint32_t stage = unit.stage; stage < unit.stageCount; ++stage)
      remainingUs += terms.windows.mretUs(stage);
  } else {
    remainingUs = queuedUs(terms);
  }
  Context& context = partition_.at(unit.context);
  const DurationUs beforeUs = std::exchange(unit.remainingUs, remainingUs);
  if (unit.state == UnitState::Running) {
    context.runningRemaining += remainingUs - beforeUs;
    return;
  }
  ReadyQueue& queue = unit.state == UnitState::Ready ? context.ready : context.slots[unit.classIndex].without;
  const ReadyKey key = ReadyQueue::keyOf(nodes_, unitIndex);
  queue.erase(nodes_, unitIndex);
  queue.insert(nodes_, key, remainingUs);
}

/// Algorithm 1 for the idle tasks of contexts that drain.
void Scheduler::State::leaveDrainingContexts() {
  std::vector<std::uint32_t> leaving;
  for (std::uint32_t index = 0; index < tasks_.capacity(); ++index) {
    if (!tasks_.used(index) || tasks_[index].active()) continue;
    if (partition_.at(tasks_[index].context).state == ContextState::Draining) leaving.push_back(index);
  }
  std::sort(leaving.begin(), leaving.end(), [&](std::uint32_t a, std::uint32_t b) {
    const Task& x = tasks_[a];
    const Task& y = tasks_[b];
    const Priority high = Priority::High;
    if (x.terms.spec.priority != y.terms.spec.priority) return x.terms.spec.priority == high;
    if (utilOf(x) != utilOf(y)) return utilOf(x) > utilOf(y);
    return x.terms.spec.order < y.terms.spec.order;
  });
  for (const std::uint32_t index : leaving) {
    detach(tasks_[index]);
    attach(tasks_[index], tasks_[index].context);
  }
}

}  // namespace daris::sched
