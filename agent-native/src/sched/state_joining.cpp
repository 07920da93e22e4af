// Joining: classes with capacities, and what admission counts their tasks with (docs/joining.md). Where no
// class has capacities, nothing here does anything.
#include <algorithm>

#include "sched/state.hpp"

namespace daris::sched {

namespace {

std::optional<Error> checkCapacities(std::span<const Capacity> capacities) {
  const auto invalid = [](std::string_view what) { return Error{ErrorCode::InvalidSpec, what}; };
  if (capacities.size() > kMaxCapacities) return invalid("capacities: must be at most 16");
  for (std::size_t i = 0; i < capacities.size(); ++i) {
    const Capacity& each = capacities[i];
    if (i == 0 ? each.jobs != 1 : each.jobs <= capacities[i - 1].jobs || each.jobs > kMaxUnitJobs)
      return invalid("capacities: must ascend from 1 to 256 at most");
    if (each.afetUs.empty() || each.afetUs.size() > kMaxStages ||
        each.afetUs.size() != capacities[0].afetUs.size())
      return invalid("capacities: must have 1 to 256 stages, all as many");
    for (const DurationUs afetUs : each.afetUs)
      if (afetUs < 1 || afetUs > kMaxTimeUs) return invalid("capacities: each stage must be 1 to 2^53");
  }
  return std::nullopt;
}

std::size_t indexOf(Priority priority) {
  return priority == Priority::High ? 0 : 1;
}

}  // namespace

Outcome<Done> Scheduler::State::setCapacities(ClassId classId, std::span<const Capacity> capacities) {
  if (auto error = checkCapacities(capacities)) return *error;
  const std::uint32_t known = classes_.find(classId);
  if (known != UINT32_MAX && classes_.tasksOf(known) > 0)
    return Error{ErrorCode::ClassInUse, "class: has tasks; remove them first"};
  const std::uint32_t index = classes_.intern(classId);
  partition_.reserveClasses(classes_.size());
  joined_.resize(std::max(joined_.size(), classes_.size()));
  joined_[index].reset(capacities, policy_.mretWindow);
  std::erase(joining_, index);
  if (joined_[index].joins()) joining_.push_back(index);
  if (!joining_.empty()) classNodes_.reserve(tasks_.capacity());
  reserveTested();
  forgetClass(index);
  return Done{};
}

/// Jobs that can end at one instant, each with a request that waited.
std::uint32_t Scheduler::State::mostJobs() const {
  std::uint32_t most = 1;
  for (const std::uint32_t index : joining_) most = std::max(most, joined_[index].mostJobs());
  return most;
}

// ---- What a task counts with ----

const MretWindows& Scheduler::State::estimate(const TaskTerms& terms) const {
  return isJoined(terms) ? joined_[terms.classIndex].estimate() : terms.windows;
}

/// The remaining MRET of a job that has not started.
DurationUs Scheduler::State::queuedUs(const TaskTerms& terms) const {
  return isJoined(terms) ? joined_[terms.classIndex].shareUs() : terms.windows.totalUs();
}

Utilization Scheduler::State::utilOf(const Task& task) const {
  return isJoined(task.terms) ? groups_[task.terms.group].util : task.util;
}

/// Adds an assigned task to its context's totals, or takes it out.
void Scheduler::State::load(const Task& task, bool added) {
  change(task, &ContextLoad::totalOf, &GroupCount::tasks, added);
}

/// The same for a task that has an active job.
void Scheduler::State::loadActive(const Task& task, bool added) {
  change(task, &ContextLoad::activeOf, &GroupCount::active, added);
}

void Scheduler::State::change(const Task& task, Utilization& (ContextLoad::*sumOf)(Priority),
                              std::array<std::uint32_t, 2> GroupCount::*counts, bool added) {
  Context& context = partition_.at(task.context);
  const Priority priority = task.terms.spec.priority;
  Utilization& sum = (context.load.*sumOf)(priority);
  sum = added ? sum + utilOf(task) : sum - utilOf(task);
  if (task.terms.group == kNone) return;
  (context.groups[task.terms.group].*counts)[indexOf(priority)] += added ? 1 : -1;
}

/// Counts all tasks the other way. What was formed so far goes on as it is.
void Scheduler::State::switchJoining(bool joining) {
  if (joining == policy_.joining) return;
  const auto loadAll = [&](bool added) {
    for (std::uint32_t index = 0; index < tasks_.capacity(); ++index) {
      if (!tasks_.used(index)) continue;
      Task& task = tasks_[index];
      const TaskSpec& spec = task.terms.spec;
      task.util = utilizationOf(task.terms.windows.totalUs(), spec.deadlineUs, spec.periodUs);
      load(task, added);
      if (task.active()) loadActive(task, added);
    }
  };
  loadAll(false);
  policy_.joining = joining;
  loadAll(true);
}

/// The group of tasks with this window; there is one for it from now on.
std::uint32_t Scheduler::State::takeGroup(std::uint32_t classIndex, DurationUs windowUs) {
  std::uint32_t free = kNone;
  for (std::uint32_t index = 0; index < groups_.size(); ++index) {
    UtilGroup& group = groups_[index];
    if (group.terms == 0) {
      if (free == kNone) free = index;
    } else if (group.classIndex == classIndex && group.windowUs == windowUs) {
      ++group.terms;
      return index;
    }
  }
  if (free == kNone) {
    free = static_cast<std::uint32_t>(groups_.size());
    groups_.emplace_back();
    partition_.reserveGroups(groups_.size());
  }
  groups_[free] = {classIndex, windowUs, 1, joined_[classIndex].utilization(windowUs)};
  return free;
}

// ---- n* ----

/// After any change of who is there: what classes and contexts know of tasks, and n* of all classes.
void Scheduler::State::lookAtTasks() {
  if (joining_.empty()) return;
  for (JoinedClass& joined : joined_) joined.facts = {};
  partition_.forEach([&](ContextRef, Context& context) {
    context.plainHigh.clear();
    context.plainSlackIsOld = true;
    for (const std::uint32_t index : joining_) context.slots[index].highDeadlineUs = kNoBound;
  });
  for (std::uint32_t index = 0; index < tasks_.capacity(); ++index)
    if (tasks_.used(index)) lookAt(index);
  for (std::uint32_t index = 0; index < tasks_.capacity(); ++index) {
    if (!tasks_.used(index)) continue;
    const Task& task = tasks_[index];
    const DurationUs longestUs = *std::ranges::max_element(task.terms.spec.afetUs);
    for (const std::uint32_t other : joining_) {
      ClassFacts& facts = joined_[other].facts;
      if (other != task.terms.classIndex && facts.gpu == task.context.gpu)
        facts.blockingUs = std::max(facts.blockingUs, longestUs);
    }
  }
  for (const std::uint32_t index : joining_) chooseCapacity(index);
}

void Scheduler::State::lookAt(std::uint32_t taskIndex) {
  const Task& task = tasks_[taskIndex];
  const TaskTerms& terms = task.terms;
  const bool high = terms.spec.priority == Priority::High;
  Context& context = partition_.at(task.context);
  if (terms.group == kNone) {
    if (high) context.plainHigh.push_back(taskIndex);
    return;
  }
  ClassFacts& facts = joined_[terms.classIndex].facts;
  facts.gpu = task.context.gpu;
  ++facts.tasks;
  facts.deadlineUs = std::min(facts.deadlineUs, terms.spec.deadlineUs);
  if (!high) return;
  ClassSlots& slots = context.slots[terms.classIndex];
  slots.highDeadlineUs = std::min(slots.highDeadlineUs, terms.spec.deadlineUs);
}

/// The longest stage that the context's high-priority tasks bear before them.
DurationUs Scheduler::State::slackUs(Context& context) {
  if (context.plainSlackIsOld) {
    context.plainSlackIsOld = false;
    context.plainSlackUs = kNoBound;
    for (const std::uint32_t index : context.plainHigh) {
      const TaskTerms& terms = tasks_[index].terms;
      context.plainSlackUs = std::min(context.plainSlackUs, terms.spec.deadlineUs - terms.windows.totalUs());
    }
  }
  DurationUs slack = context.plainSlackUs;
  for (const std::uint32_t index : joining_) {
    const ClassSlots& slots = context.slots[index];
    if (slots.highDeadlineUs != kNoBound)
      slack = std::min(slack, slots.highDeadlineUs - joined_[index].windows(0).totalUs());
  }
  return slack;
}

/// n* of a class, and what follows from it and its MRETs: the utilization of its tasks, in all sums.
void Scheduler::State::chooseCapacity(std::uint32_t classIndex) {
  JoinedClass& joined = joined_[classIndex];
  std::uint32_t contexts = 0;
  DurationUs slack = kNoBound;
  for (Context& context : partition_.contextsOf(joined.facts.gpu)) {
    if (context.state != ContextState::Serving) continue;
    ++contexts;
    slack = std::min(slack, slackUs(context));
  }
  joined.choose(contexts, slack);
  for (std::uint32_t index = 0; index < groups_.size(); ++index) {
    UtilGroup& group = groups_[index];
    if (group.terms == 0 || group.classIndex != classIndex) continue;
    const Utilization change = joined.utilization(group.windowUs) - group.util;
    group.util += change;
    if (!policy_.joining || change == Utilization{}) continue;
    partition_.forEach([&](ContextRef, Context& context) {
      for (const Priority priority : {Priority::High, Priority::Low}) {
        const GroupCount& counts = context.groups[index];
        context.load.totalOf(priority) += {change.billionths * counts.tasks[indexOf(priority)]};
        context.load.activeOf(priority) += {change.billionths * counts.active[indexOf(priority)]};
      }
    });
  }
}

}  // namespace daris::sched
