// What the scheduler tests share: short ways to say a configuration, a task, and the usual calls.
// Every call expects success; errors are tested in error_test.cpp.
#pragma once

#include <gtest/gtest.h>

#include "sched/scheduler.hpp"

namespace daris::sched {

inline Config partitionOf(std::uint32_t contexts, std::uint32_t streams, const Policy& policy = {}) {
  return {{{.smCount = 132, .contexts = contexts, .streamsPerContext = streams, .oversubscription = 1}},
          policy};
}

inline TaskSpec lowTask(DurationUs periodUs, std::vector<DurationUs> afetUs, std::uint64_t order = 0) {
  TaskSpec spec;
  spec.priority = Priority::Low;
  spec.periodUs = spec.deadlineUs = periodUs;
  spec.afetUs = std::move(afetUs);
  spec.order = order;
  return spec;
}

inline TaskSpec highTask(DurationUs periodUs, std::vector<DurationUs> afetUs, std::uint64_t order = 0) {
  TaskSpec spec = lowTask(periodUs, std::move(afetUs), order);
  spec.priority = Priority::High;
  return spec;
}

inline TaskSpec in(TaskSpec spec, std::uint32_t context) {
  spec.context = ContextRef{0, context};
  return spec;
}

inline Utilization billionths(std::int64_t value) {
  return {value};
}

/// A scheduler whose calls must succeed.
class Bed {
 public:
  explicit Bed(const Config& config) : sched(std::move(Scheduler::create(config).value())) {}

  TaskId add(const TaskSpec& spec, TimeUs now = 0) { return sched.addTask(spec, now).value().task; }
  ReleaseOutcome release(TaskId task, TimeUs now, Token token = 0) {
    return sched.release(task, {token, now}, now).value();
  }
  /// A periodic release that the dispatcher handles only at `now`.
  ReleaseOutcome releaseLate(TaskId task, TimeUs releaseUs, TimeUs now) {
    return sched.release(task, {0, releaseUs}, now).value();
  }
  ReleaseOutcome request(TaskId task, TimeUs now, Token token = 0) {
    return sched.request(task, token, now).value();
  }

  Next next(TimeUs now, std::uint32_t context = 0) { return sched.next({0, context}, now).value(); }

  Dispatch run(TimeUs now, std::uint32_t context = 0) {
    const Next result = next(now, context);
    EXPECT_EQ(result.kind, NextKind::Run);
    return result.run;
  }

  /// The first member of the unit that runs next.
  UnitMember runOne(TimeUs now, std::uint32_t context = 0) {
    last = run(now, context);
    return last.members.empty() ? UnitMember{} : last.members[0];
  }

  MemberCompletion complete(const Dispatch& running, DurationUs execUs, TimeUs now) {
    const StageCompletion completion = sched.complete(running.unit, running.stage, execUs, now).value();
    return completion.members[0];
  }

  /// Runs one job of an idle context to its end, each stage taking the given time. Answers its end.
  JobEnd runToEnd(TimeUs now, const std::vector<DurationUs>& execUs, std::uint32_t context = 0) {
    JobEnd end;
    for (const DurationUs stageUs : execUs) {
      const Dispatch running = run(now, context);
      now += stageUs;
      const MemberCompletion done = complete(running, stageUs, now);
      if (done.end) end = *done.end;
    }
    return end;
  }

  TaskSnapshot task(TaskId id) {
    sched.snapshot(snapshot);
    for (const TaskSnapshot& entry : snapshot.tasks)
      if (entry.task == id) return entry;
    ADD_FAILURE() << "no task " << id.index;
    return {};
  }

  ContextSnapshot context(std::uint32_t index) {
    sched.snapshot(snapshot);
    for (const ContextSnapshot& entry : snapshot.contexts)
      if (entry.context == ContextRef{0, index}) return entry;
    ADD_FAILURE() << "no context " << index;
    return {};
  }

  Scheduler sched;
  Snapshot snapshot;
  Dispatch last;
};

}  // namespace daris::sched
