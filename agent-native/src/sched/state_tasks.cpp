// Tasks come, change and go while others run. What is in flight ends under its old terms: a change or a
// removal of an active task is prepared at once and takes effect in settle(), at the end of its job, without
// allocating there.
#include <algorithm>
#include <numeric>

#include "sched/check_spec.hpp"
#include "sched/state.hpp"

namespace daris::sched {

std::optional<Error> Scheduler::State::checkTime(TimeUs now) const {
  if (now < -kMaxTimeUs || now > kMaxTimeUs)
    return Error{ErrorCode::InvalidTime, "now: must be within +-2^53"};
  if (now < lastUs_) return Error{ErrorCode::TimeWentBack, "now: is before an earlier call's"};
  return std::nullopt;
}

std::optional<Error> Scheduler::State::checkSpec(const TaskSpec& spec) {
  if (auto error = checkTaskFields(spec)) return error;
  const std::uint32_t known = classes_.find(spec.classId);
  if (known < joined_.size() && joined_[known].joins() &&
      joined_[known].windows(0).stageCount() != spec.afetUs.size())
    return Error{ErrorCode::InvalidSpec, "afetUs: must have as many stages as the class's capacities"};
  if (!spec.context) return std::nullopt;
  const Context* context = partition_.find(*spec.context);
  if (context == nullptr || context->state != ContextState::Serving)
    return Error{ErrorCode::UnknownContext, "context: must be one of the configured GPUs' contexts"};
  return std::nullopt;
}

Task* Scheduler::State::findTask(TaskId id) {
  Task* task = tasks_.find(id);
  return task != nullptr && !task->removed ? task : nullptr;
}

Outcome<Added> Scheduler::State::addTask(const TaskSpec& spec, TimeUs now) {
  if (auto error = checkTime(now)) return *error;
  if (auto error = checkSpec(spec)) return *error;
  lastUs_ = now;
  if (tasks_.inUse() == tasks_.capacity()) {
    const std::size_t capacity = std::max<std::size_t>(16, tasks_.capacity() * 2);
    tasks_.reserve(capacity);
    jobs_.reserve(capacity);
    stages_.reserve(capacity, 1);
    waits_.resize(capacity);
    units_.reserve(capacity);
    nodes_.reserve(capacity);
    if (!joining_.empty()) classNodes_.reserve(capacity);
  }
  const TaskId id = tasks_.acquire();
  Task& task = tasks_[id.index];
  task = Task{};
  prepare(task.terms, spec);
  const ContextRef ref = spec.context ? *spec.context : partition_.leastLoaded();
  attach(task, ref);
  lookAtTasks();
  return Added{id, ref, utilOf(task), partition_.at(ref).load.total()};
}

Outcome<Changed> Scheduler::State::changeTask(TaskId id, const TaskSpec& spec, TimeUs now) {
  if (auto error = checkTime(now)) return *error;
  Task* task = findTask(id);
  if (task == nullptr) return Error{ErrorCode::UnknownTask, "task: does not exist, or was removed"};
  if (auto error = checkSpec(spec)) return *error;
  lastUs_ = now;
  Changed changed;
  if (spec.releaseMode == ReleaseMode::Periodic) changed.cancelled = cancelWaiting(*task);
  changeOrDefer(*task, spec);
  changed.deferred = task->changePending;
  return changed;
}

Outcome<Removed> Scheduler::State::removeTask(TaskId id, TimeUs now) {
  if (auto error = checkTime(now)) return *error;
  Task* task = findTask(id);
  if (task == nullptr) return Error{ErrorCode::UnknownTask, "task: does not exist, or was removed"};
  lastUs_ = now;
  Removed removed;
  removed.cancelled = cancelWaiting(*task);
  task->removed = true;
  removed.draining = task->active();
  if (!removed.draining) erase(id.index);
  return removed;
}

/// Ends the request that waits, if one does.
std::optional<Token> Scheduler::State::cancelWaiting(Task& task) {
  if (!task.waiting) return std::nullopt;
  const Token token = task.waiting->token;
  task.waiting.reset();
  ++task.counters.withdrawn;
  return token;
}

void Scheduler::State::prepare(TaskTerms& terms, const TaskSpec& spec) {
  terms.spec = spec;
  terms.classIndex = classes_.intern(spec.classId);
  classes_.addTask(terms.classIndex);
  partition_.reserveClasses(classes_.size());
  if (policy_.staging) {
    terms.windows.reset(spec.afetUs, policy_.mretWindow);
  } else {
    const DurationUs wholeUs = std::accumulate(spec.afetUs.begin(), spec.afetUs.end(), DurationUs{0});
    terms.windows.reset({&wholeUs, 1}, policy_.mretWindow);
  }
  stages_.reserve(jobs_.capacity(), terms.windows.stageCount());
  terms.group =
      joins(terms.classIndex) ? takeGroup(terms.classIndex, std::min(spec.deadlineUs, spec.periodUs)) : kNone;
}

void Scheduler::State::changeOrDefer(Task& task, const TaskSpec& spec) {
  if (task.changePending) releaseClass(*task.change);
  if (!task.change) task.change = std::make_unique<TaskTerms>();
  prepare(*task.change, spec);
  task.changePending = true;
  if (!task.active()) applyChange(task);
}

/// Swaps the prepared terms in. The task must be idle. Measurements survive where the stages are the same in
/// number.
void Scheduler::State::applyChange(Task& task) {
  detach(task);
  TaskTerms& change = *task.change;
  if (change.windows.stageCount() == task.terms.windows.stageCount()) {
    std::swap(change.windows, task.terms.windows);
    change.windows.adoptAfet(task.terms.windows);
  }
  std::swap(change, task.terms);
  releaseClass(change);
  task.changePending = false;
  const std::optional<ContextRef>& wanted = task.terms.spec.context;
  attach(task, wanted.value_or(task.context));
  lookAtTasks();
}

/// Adds an idle task to the sums of a context; if that one drains, of the least loaded instead.
void Scheduler::State::attach(Task& task, ContextRef ref) {
  const Context* wanted = partition_.find(ref);
  if (wanted == nullptr || wanted->state != ContextState::Serving) ref = partition_.leastLoaded();
  task.context = ref;
  task.util =
      utilizationOf(task.terms.windows.totalUs(), task.terms.spec.deadlineUs, task.terms.spec.periodUs);
  load(task, true);
  ++partition_.at(ref).tasks;
}

void Scheduler::State::detach(Task& task) {
  load(task, false);
  --partition_.at(task.context).tasks;
}

/// Brings the sums up to date after the task's MRETs changed.
void Scheduler::State::setUtil(Task& task) {
  if (isJoined(task.terms)) return;  // its class's MRETs count
  const TaskSpec& spec = task.terms.spec;
  if (spec.priority == Priority::High && !joining_.empty())
    partition_.at(task.context).plainSlackIsOld = true;
  const Utilization util = utilizationOf(task.terms.windows.totalUs(), spec.deadlineUs, spec.periodUs);
  if (util == task.util) return;
  ContextLoad& load = partition_.at(task.context).load;
  load.totalOf(spec.priority) += util - task.util;
  if (task.active()) load.activeOf(spec.priority) += util - task.util;
  task.util = util;
}

/// What was put off while the task had an active job.
void Scheduler::State::settle(std::uint32_t taskIndex) {
  Task& task = tasks_[taskIndex];
  if (task.removed) {
    erase(taskIndex);
  } else if (task.changePending) {
    applyChange(task);
  } else if (partition_.at(task.context).state == ContextState::Draining) {
    detach(task);
    attach(task, task.context);
    lookAtTasks();
  }
}

void Scheduler::State::erase(std::uint32_t taskIndex) {
  Task& task = tasks_[taskIndex];
  detach(task);
  if (task.changePending) releaseClass(*task.change);
  task.changePending = false;
  releaseClass(task.terms);
  tasks_.release(taskIndex);
  lookAtTasks();
}

/// These terms name their class, and their group in it, no longer.
void Scheduler::State::releaseClass(TaskTerms& terms) {
  if (terms.group != kNone) --groups_[terms.group].terms;
  terms.group = kNone;
  classes_.removeTask(terms.classIndex);
  forgetClass(terms.classIndex);
}

/// Gives the class's index back if no task, no slot bound and no capacities speak of it.
void Scheduler::State::forgetClass(std::uint32_t classIndex) {
  bool bounded = classIndex < joined_.size() && joined_[classIndex].capacities() > 0;
  partition_.forEach([&](ContextRef, const Context& context) {
    bounded |= !context.gone() && context.slots[classIndex].isBounded();
  });
  classes_.forgetUnused(classIndex, bounded);
}

Outcome<Done> Scheduler::State::setSlots(ClassId classId, ContextRef ref, std::uint32_t slots) {
  Context* context = partition_.find(ref);
  if (context == nullptr) return Error{ErrorCode::UnknownContext, "context: does not exist, or is drained"};
  const std::uint32_t classIndex = classes_.intern(classId);
  partition_.reserveClasses(classes_.size());
  context->slots[classIndex].budget = slots;
  bringBack(*context, classIndex);
  forgetClass(classIndex);
  return Done{};
}

}  // namespace daris::sched
