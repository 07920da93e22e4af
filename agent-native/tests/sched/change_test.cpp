// Tasks and partitions change while jobs run: what is in flight ends under its old terms.
#include "bed.hpp"

namespace daris::sched {
namespace {

TEST(Change, OfAnIdleTaskTakesEffectAtOnceAndKeepsItsWindows) {
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(lowTask(1000, {100, 100}));
  bed.release(task, 0);
  bed.runToEnd(0, {150, 50});
  const Changed changed = bed.sched.changeTask(task, lowTask(500, {70, 70}), 1000).value();
  EXPECT_FALSE(changed.deferred);
  EXPECT_EQ(bed.task(task).mretUs, 200) << "same number of stages: measurements are kept";
  EXPECT_EQ(bed.task(task).afetUs, 140);
  EXPECT_EQ(bed.task(task).util, billionths(400'000'000));
  EXPECT_EQ(bed.task(task).counters.completed, 1u);
  ASSERT_TRUE(bed.sched.changeTask(task, lowTask(500, {70, 70, 70}), 1000).ok());
  EXPECT_EQ(bed.task(task).mretUs, 210) << "other stages: from AFET again";
}

TEST(Change, OfAnActiveTaskLetsItsJobEndUnderItsOldTerms) {
  Bed bed(partitionOf(2, 1));
  const TaskId task = bed.add(in(lowTask(1000, {100, 100}), 0));
  bed.release(task, 0);
  const Dispatch first = bed.run(0);
  TaskSpec spec = in(highTask(400, {30}), 1);
  EXPECT_TRUE(bed.sched.changeTask(task, spec, 50).value().deferred);
  EXPECT_EQ(bed.context(0).lowActive, billionths(200'000'000));
  bed.complete(first, 100, 100);
  const Dispatch second = bed.run(100);
  EXPECT_EQ(second.level, 5);
  EXPECT_EQ(second.virtualDeadlineUs, 1000);
  EXPECT_FALSE(bed.complete(second, 800, 900).end->missed) << "by its old deadline";
  const TaskSnapshot after = bed.task(task);
  EXPECT_EQ(after.context.index, 1u);
  EXPECT_EQ(after.priority, Priority::High);
  EXPECT_EQ(after.util, billionths(75'000'000));
  EXPECT_EQ(after.migrations.count, 0u) << "an order, not a migration";
  EXPECT_EQ(bed.context(0).lowTotal, billionths(0));
  EXPECT_EQ(bed.context(1).highTotal, billionths(75'000'000));
  EXPECT_EQ(bed.release(task, 1000).deadlineUs, 1400);
}

TEST(Change, TheLastOfSeveralWins) {
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(lowTask(1000, {100}));
  bed.release(task, 0);
  const Dispatch running = bed.run(0);
  ASSERT_TRUE(bed.sched.changeTask(task, lowTask(500, {100, 50}), 10).ok());
  ASSERT_TRUE(bed.sched.changeTask(task, lowTask(800, {40}), 20).ok());
  bed.complete(running, 80, 100);
  EXPECT_EQ(bed.task(task).util, billionths(100'000'000)) << "measured 80 over 800";
}

TEST(Remove, OfAnIdleTaskLeavesNoResidue) {
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(highTask(1000, {100}));
  EXPECT_FALSE(bed.sched.removeTask(task, 0).value().draining);
  EXPECT_EQ(bed.context(0).highTotal, billionths(0));
  EXPECT_TRUE(bed.snapshot.tasks.empty());
  const TaskId next = bed.add(highTask(1000, {100}));
  EXPECT_EQ(next.index, task.index);
  EXPECT_EQ(bed.sched.release(task, {0, 0}, 0).error().code, ErrorCode::UnknownTask) << "the old id";
}

TEST(Remove, OfAnActiveTaskDrains) {
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(lowTask(1000, {100, 100}));
  bed.release(task, 0, 9);
  const Dispatch first = bed.run(0);
  EXPECT_TRUE(bed.sched.removeTask(task, 10).value().draining);
  EXPECT_EQ(bed.sched.release(task, {0, 20}, 20).error().code, ErrorCode::UnknownTask);
  EXPECT_EQ(bed.sched.removeTask(task, 20).error().code, ErrorCode::UnknownTask);
  EXPECT_TRUE(bed.task(task).draining);
  bed.complete(first, 100, 100);
  const JobEnd end = *bed.complete(bed.run(100), 100, 200).end;
  EXPECT_EQ(end.task, task);
  EXPECT_EQ(end.token, 9u);
  bed.sched.snapshot(bed.snapshot);
  EXPECT_TRUE(bed.snapshot.tasks.empty());
  EXPECT_EQ(bed.context(0).lowTotal, billionths(0));
}

TEST(Configure, ARemovedContextDrainsAndItsTasksMove) {
  Bed bed(partitionOf(3, 1));
  const TaskId idle = bed.add(in(highTask(1000, {100}, 1), 2));
  const TaskId active = bed.add(in(lowTask(1000, {100, 100}, 2), 2));
  bed.release(active, 0);
  const Dispatch first = bed.run(0, 2);
  ASSERT_TRUE(bed.sched.configure(partitionOf(2, 1), 10).ok());
  EXPECT_EQ(bed.task(idle).context.index, 0u);
  EXPECT_EQ(bed.context(2).state, ContextState::Draining);
  bed.complete(first, 100, 100);
  const Dispatch second = bed.run(100, 2);
  EXPECT_EQ(second.context.index, 2u) << "what is in flight is still served there";
  bed.complete(second, 100, 200);
  EXPECT_EQ(bed.task(active).context.index, 1u);
  EXPECT_EQ(bed.sched.next({0, 2}, 200).error().code, ErrorCode::UnknownContext);
  EXPECT_EQ(bed.snapshot.contexts.size(), 2u);
}

TEST(Configure, NoWorkIsAdmittedToADrainingContext) {
  Bed bed(partitionOf(2, 1));
  const TaskId draining = bed.add(in(lowTask(1000, {100}, 1), 1));
  const TaskId blocker = bed.add(in(lowTask(1000, {900}, 2), 0));
  const TaskId task = bed.add(in(lowTask(1000, {200}, 3), 0));
  bed.release(draining, 0);
  bed.run(0, 1);
  ASSERT_TRUE(bed.sched.configure(partitionOf(1, 1), 0).ok());
  bed.release(blocker, 0);
  const ReleaseOutcome outcome = bed.release(task, 0);
  EXPECT_EQ(outcome.decision, Decision::Rejected);
  EXPECT_EQ(outcome.tested.size(), 1u);
  EXPECT_EQ(bed.sched.addTask(in(lowTask(1000, {1}), 1), 0).error().code, ErrorCode::UnknownContext);
}

TEST(Configure, ADrainingContextMayComeBack) {
  Bed bed(partitionOf(2, 1));
  const TaskId task = bed.add(in(lowTask(1000, {100}), 1));
  bed.release(task, 0);
  const Dispatch running = bed.run(0, 1);
  ASSERT_TRUE(bed.sched.configure(partitionOf(1, 1), 0).ok());
  ASSERT_TRUE(bed.sched.configure(partitionOf(2, 3), 0).ok());
  bed.complete(running, 100, 100);
  EXPECT_EQ(bed.task(task).context.index, 1u);
  EXPECT_EQ(bed.context(1).streams, 3u);
}

TEST(Configure, FewerStreamsFinishWhatTheyRun) {
  Bed bed(partitionOf(1, 3));
  std::vector<Dispatch> running;
  for (std::uint64_t i = 0; i < 3; ++i) {
    bed.release(bed.add(lowTask(1000, {100, 100}, i)), 0);
    running.push_back(bed.run(0));
  }
  ASSERT_TRUE(bed.sched.configure(partitionOf(1, 1), 10).ok());
  bed.complete(running[2], 100, 100);
  EXPECT_EQ(bed.next(100).kind, NextKind::Idle) << "stream 2 is no more";
  bed.complete(running[0], 100, 100);
  EXPECT_EQ(bed.run(100).stream, 0u);
  bed.complete(running[1], 100, 110);
  EXPECT_EQ(bed.next(110).kind, NextKind::Idle);
  EXPECT_EQ(bed.context(0).busyStreams, 1u);
}

TEST(Configure, StagingChangesAtTheEndOfTheActiveJob) {
  Bed bed(partitionOf(1, 1));
  const TaskId active = bed.add(lowTask(1000, {100, 100}, 1));
  const TaskId idle = bed.add(lowTask(1000, {100, 100}, 2));
  bed.release(active, 0);
  const Dispatch first = bed.run(0);
  Policy policy;
  policy.staging = false;
  ASSERT_TRUE(bed.sched.configure(partitionOf(1, 1, policy), 10).ok());
  EXPECT_EQ(bed.task(idle).stageCount, 1u);
  bed.complete(first, 100, 100);
  bed.complete(bed.run(100), 100, 200);
  EXPECT_EQ(bed.task(active).stageCount, 1u);
  EXPECT_EQ(bed.task(active).mretUs, 200);
}

TEST(Configure, AShorterWindowChangesEstimatesAndSumsAtOnce) {
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(lowTask(10000, {100}));
  for (const DurationUs execUs : {900, 200}) {
    const TimeUs now = bed.task(task).counters.released * 10000;
    bed.release(task, now);
    bed.runToEnd(now, {execUs});
  }
  bed.release(task, 20000);
  EXPECT_EQ(bed.context(0).lowActive, billionths(90'000'000));
  Policy policy;
  policy.mretWindow = 1;
  ASSERT_TRUE(bed.sched.configure(partitionOf(1, 1, policy), 20000).ok());
  EXPECT_EQ(bed.context(0).lowActive, billionths(20'000'000));
  EXPECT_EQ(bed.context(0).lowTotal, billionths(20'000'000));
  const TaskId other = bed.add(lowTask(100000, {50}, 5), 20000);
  EXPECT_EQ(bed.sched.explain(other, 20000).value()[0].predicted->toDouble(), 20250.0);
}

TEST(Configure, AnotherGpuComesAndGoes) {
  Bed bed(partitionOf(1, 1));
  Config two = partitionOf(1, 1);
  two.gpus.push_back(two.gpus[0]);
  bed.add(highTask(1000, {500}));
  ASSERT_TRUE(bed.sched.configure(two, 0).ok());
  const Added added = bed.sched.addTask(highTask(1000, {100}), 0).value();
  EXPECT_EQ(added.context.gpu, 1u);
  ASSERT_TRUE(bed.sched.configure(partitionOf(1, 1), 0).ok());
  EXPECT_EQ(bed.task(added.task).context.gpu, 0u);
  EXPECT_EQ(bed.context(0).highTotal, billionths(600'000'000));
}

}  // namespace
}  // namespace daris::sched
