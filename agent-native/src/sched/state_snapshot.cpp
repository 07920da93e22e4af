// Figures for status, metrics and tests, in storage that the caller reuses.
#include "sched/state.hpp"

namespace daris::sched {

namespace {

/// `estimate`: what the task is counted with.
TaskSnapshot describe(TaskId id, const Task& task, const MretWindows& estimate) {
  const TaskTerms& terms = task.terms;
  TaskSnapshot out;
  out.task = id;
  out.order = terms.spec.order;
  out.priority = terms.spec.priority;
  out.context = task.context;
  out.active = task.active();
  out.waiting = task.waiting.has_value();
  out.draining = task.removed;
  out.afetUs = estimate.totalAfetUs();
  out.mretUs = estimate.totalUs();
  out.stageCount = estimate.stageCount();
  out.counters = task.counters;
  out.migrations = task.migrations;
  return out;
}

ContextSnapshot describe(ContextRef ref, const Context& context) {
  ContextSnapshot out;
  out.context = ref;
  out.state = context.state;
  out.streams = context.streams.count();
  out.sms = context.sms;
  out.busyStreams = context.streams.busyCount();
  out.readyUnits = context.ready.size() + context.withoutSlot;
  out.busyUs = context.busyUs;
  out.highTotal = context.load.highTotal;
  out.lowTotal = context.load.lowTotal;
  out.highActive = context.load.highActive;
  out.lowActive = context.load.lowActive;
  return out;
}

}  // namespace

void Scheduler::State::snapshot(Snapshot& out) const {
  snapshotContexts(out);
  out.tasks.clear();
  snapshotTasks(out);
}

void Scheduler::State::snapshotTasks(Snapshot& out) const {
  for (std::uint32_t index = 0; index < tasks_.capacity(); ++index) {
    if (!tasks_.used(index)) continue;
    const Task& task = tasks_[index];
    const MretWindows& windows = estimate(task.terms);
    TaskSnapshot& entry = out.tasks.emplace_back(describe(tasks_.idOf(index), task, windows));
    entry.util = utilOf(task);
    if (isJoined(task.terms)) entry.capacity = joined_[task.terms.classIndex].chosenJobs();
    entry.firstStage = static_cast<std::uint32_t>(out.stageMretUs.size());
    for (std::uint32_t stage = 0; stage < entry.stageCount; ++stage)
      out.stageMretUs.push_back(windows.mretUs(stage));
  }
}

std::optional<TaskTotals> Scheduler::State::totals(TaskId id) const {
  const Task* task = tasks_.find(id);
  if (task == nullptr || task->removed) return std::nullopt;
  TaskTotals out{task->context, estimate(task->terms).totalUs(), utilOf(*task), 1};
  if (isJoined(task->terms)) out.capacity = joined_[task->terms.classIndex].chosenJobs();
  return out;
}

void Scheduler::State::snapshotContexts(Snapshot& out) const {
  out.contexts.clear();
  out.capacities.clear();
  out.stageMretUs.clear();
  partition_.forEach([&](ContextRef ref, const Context& context) {
    if (!context.gone()) out.contexts.push_back(describe(ref, context));
  });
  if (policy_.joining) snapshotCapacities(out);
}

void Scheduler::State::snapshotCapacities(Snapshot& out) const {
  for (const std::uint32_t index : joining_) {
    const JoinedClass& joined = joined_[index];
    for (std::uint32_t capacity = 0; capacity < joined.capacities(); ++capacity) {
      const MretWindows& windows = joined.windows(capacity);
      if (!windows.isMeasured()) continue;
      const auto firstStage = static_cast<std::uint32_t>(out.stageMretUs.size());
      out.capacities.push_back(
          {classes_.classIdOf(index), joined.jobs(capacity), firstStage, windows.stageCount()});
      for (std::uint32_t stage = 0; stage < windows.stageCount(); ++stage)
        out.stageMretUs.push_back(windows.mretUs(stage));
    }
  }
}

}  // namespace daris::sched
