// Dispatch order: the eight levels, EDF within a level, streams, slots, ablations.
#include "bed.hpp"
#include "sched/levels.hpp"

namespace daris::sched {
namespace {

TEST(Levels, AreEightInTheOrderOfThePaper) {
  const Policy paper;
  Level expected = 0;
  for (const Priority priority : {Priority::High, Priority::Low})
    for (const bool last : {true, false})
      for (const bool missed : {true, false}) EXPECT_EQ(levelOf(paper, priority, last, missed), expected++);
}

TEST(Levels, Ablations) {
  struct Case {
    const char* name;
    Policy policy;
    Level highLastMissed, highLast, highMissed, low;
  };
  Policy noLast, noPrior, noFixed;
  noLast.lastStageBoost = false;
  noPrior.missBoost = false;
  noFixed.fixedPriorities = false;
  for (const Case& c : {Case{"No Last", noLast, 2, 3, 2, 7}, Case{"No Prior", noPrior, 1, 1, 3, 7},
                        Case{"No Fixed", noFixed, 0, 0, 0, 0}}) {
    EXPECT_EQ(levelOf(c.policy, Priority::High, true, true), c.highLastMissed) << c.name;
    EXPECT_EQ(levelOf(c.policy, Priority::High, true, false), c.highLast) << c.name;
    EXPECT_EQ(levelOf(c.policy, Priority::High, false, true), c.highMissed) << c.name;
    EXPECT_EQ(levelOf(c.policy, Priority::Low, false, false), c.low) << c.name;
  }
}

TEST(Levels, FollowAJobThroughItsStages) {
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(highTask(900, {100, 100, 100}));
  bed.release(task, 0);
  Dispatch stage = bed.run(0);
  EXPECT_EQ(stage.level, 3) << "HP, not last, no predecessor";
  EXPECT_EQ(stage.virtualDeadlineUs, 300);
  EXPECT_TRUE(stage.first);
  EXPECT_FALSE(bed.complete(stage, 300, 300).missedVirtualDeadline) << "at the deadline is in time";
  stage = bed.run(300);
  EXPECT_EQ(stage.level, 3);
  EXPECT_TRUE(bed.complete(stage, 301, 601).missedVirtualDeadline);
  stage = bed.run(601);
  EXPECT_EQ(stage.level, 0) << "HP, last, predecessor missed";
  EXPECT_TRUE(stage.last);
  const MemberCompletion done = bed.complete(stage, 100, 701);
  ASSERT_TRUE(done.end);
  EXPECT_FALSE(done.end->missed);
  EXPECT_EQ(done.end->responseUs, 701);
}

TEST(Levels, OnlyTheImmediatelyPrecedingStageCounts) {
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(lowTask(1200, {100, 100, 100, 100}));
  bed.release(task, 0);
  bed.complete(bed.run(0), 400, 400);
  Dispatch second = bed.run(400);
  EXPECT_EQ(second.level, 6);
  bed.complete(second, 50, 450);
  EXPECT_EQ(bed.run(450).level, 7) << "the second stage was in time again";
}

TEST(Levels, AOneStageTaskIsALastStageWithoutPredecessor) {
  Bed bed(partitionOf(1, 1));
  bed.release(bed.add(highTask(900, {100})), 0);
  EXPECT_EQ(bed.run(0).level, 1);
}

TEST(Dispatch, BetterLevelBeatsEarlierDeadline) {
  Bed bed(partitionOf(1, 1));
  const TaskId low = bed.add(lowTask(1000, {100, 100}, 1));
  const TaskId high = bed.add(highTask(100000, {100, 100}, 2));
  bed.release(low, 0);
  bed.release(high, 0);
  EXPECT_EQ(bed.runOne(0).task, high);
}

TEST(Dispatch, EdfWithinALevelThenReleaseThenTaskOrder) {
  Bed bed(partitionOf(1, 3));
  const TaskId late = bed.add(lowTask(3000, {10}, 1));
  const TaskId second = bed.add(lowTask(2000, {10}, 3));
  const TaskId first = bed.add(lowTask(2000, {10}, 2));
  const TaskId older = bed.add(lowTask(2001, {10}, 9));
  bed.release(older, 0);
  for (const TaskId task : {late, second, first}) bed.release(task, 1);
  // older, first and second all end at 2001; older was released before, then the task order decides.
  for (const TaskId expected : {older, first, second}) EXPECT_EQ(bed.runOne(1).task, expected);
  EXPECT_EQ(bed.next(1).kind, NextKind::Idle) << "three streams";
}

TEST(Dispatch, NoFixedIsEdfOverEverything) {
  Policy policy;
  policy.fixedPriorities = false;
  Bed bed(partitionOf(1, 1, policy));
  const TaskId high = bed.add(highTask(5000, {10}, 1));
  const TaskId low = bed.add(lowTask(1000, {10}, 2));
  bed.release(high, 0);
  bed.release(low, 0);
  EXPECT_EQ(bed.runOne(0).task, low);
}

TEST(Dispatch, NoStagingRunsTheWholeModelAsOneStage) {
  Policy policy;
  policy.staging = false;
  Bed bed(partitionOf(1, 1, policy));
  const TaskId task = bed.add(lowTask(1000, {100, 200, 300}));
  EXPECT_EQ(bed.task(task).stageCount, 1u);
  EXPECT_EQ(bed.task(task).mretUs, 600);
  bed.release(task, 0);
  const Dispatch whole = bed.run(0);
  EXPECT_EQ(whole.modelStages, 3u);
  EXPECT_TRUE(whole.last);
  EXPECT_TRUE(bed.complete(whole, 700, 700).end);
  EXPECT_EQ(bed.task(task).mretUs, 700);
}

TEST(Dispatch, LowestFreeStreamFirst) {
  Bed bed(partitionOf(1, 130));
  std::vector<Dispatch> running;
  for (std::uint64_t i = 0; i < 130; ++i) {
    bed.release(bed.add(lowTask(1000, {10}, i)), 0);
    running.push_back(bed.run(0));
    EXPECT_EQ(running.back().stream, i);
  }
  bed.complete(running[70], 10, 10);
  bed.complete(running[3], 10, 10);
  const TaskId a = bed.add(lowTask(1000, {10}, 200), 10);
  const TaskId b = bed.add(lowTask(1000, {10}, 201), 10);
  bed.release(a, 10);
  bed.release(b, 10);
  EXPECT_EQ(bed.run(10).stream, 3u);
  EXPECT_EQ(bed.run(10).stream, 70u);
}

TEST(Dispatch, StrHasOneQueueAndAJobMayGoOnOnAnotherStream) {
  Bed bed(partitionOf(1, 2));
  const TaskId a = bed.add(lowTask(1000, {10, 10}, 1));
  const TaskId b = bed.add(lowTask(2000, {10, 10}, 2));
  bed.release(a, 0);
  bed.release(b, 0);
  const Dispatch a1 = bed.run(0);
  const Dispatch b1 = bed.run(0);
  EXPECT_EQ(b1.stream, 1u);
  bed.complete(b1, 10, 10);
  bed.complete(a1, 10, 10);
  EXPECT_EQ(bed.runOne(10).task, a);
  EXPECT_EQ(bed.last.stream, 0u);
}

TEST(Dispatch, AStageOnceLaunchedRunsToItsEnd) {
  Bed bed(partitionOf(1, 1));
  const TaskId low = bed.add(lowTask(1000, {500}, 1));
  const TaskId high = bed.add(highTask(1000, {100}, 2));
  bed.release(low, 0);
  bed.runOne(0);
  bed.release(high, 1);
  EXPECT_EQ(bed.next(1).kind, NextKind::Idle);
}

TaskSpec ofClass(TaskSpec spec, ClassId classId) {
  spec.classId = classId;
  return spec;
}

TEST(Slots, AJobWithoutASlotWaitsUnstartedWhileTheNextBestRuns) {
  Bed bed(partitionOf(1, 2));
  ASSERT_TRUE(bed.sched.setSlots(7, {0, 0}, 1).ok());
  const TaskId first = bed.add(ofClass(lowTask(1000, {10, 10}, 1), 7));
  const TaskId second = bed.add(ofClass(lowTask(2000, {10, 10}, 2), 7));
  const TaskId third = bed.add(ofClass(lowTask(3000, {10, 10}, 3), 8));
  for (const TaskId task : {first, second, third}) bed.release(task, 0);
  EXPECT_EQ(bed.runOne(0).task, first);
  const Dispatch first1 = bed.last;
  EXPECT_EQ(bed.runOne(0).task, third) << "second has no slot";
  EXPECT_EQ(bed.context(0).readyUnits, 1u);
  bed.complete(first1, 10, 10);
  EXPECT_EQ(bed.runOne(10).task, first) << "it keeps its slot to its end";
  const MemberCompletion done = bed.complete(bed.last, 10, 20);
  EXPECT_TRUE(done.end->slotFreed);
  EXPECT_EQ(bed.runOne(20).task, second);
}

TEST(Slots, TheBestWaitingUnitGetsTheFreedSlot) {
  Bed bed(partitionOf(1, 4));
  ASSERT_TRUE(bed.sched.setSlots(7, {0, 0}, 1).ok());
  std::vector<TaskId> tasks;
  for (std::uint64_t i = 0; i < 4; ++i)
    tasks.push_back(bed.add(ofClass(lowTask(4000 - 500 * static_cast<int>(i), {10}, i), 7)));
  bed.release(tasks[0], 0);
  Dispatch running = bed.run(0);
  for (const std::size_t i : {1, 2}) bed.release(tasks[i], 0);
  EXPECT_EQ(bed.next(0).kind, NextKind::Idle);
  bed.release(tasks[3], 1);  // the earliest deadline comes last
  EXPECT_EQ(bed.next(1).kind, NextKind::Idle);
  for (const std::size_t i : {3, 2, 1}) {
    bed.complete(running, 10, 10);
    EXPECT_EQ(bed.runOne(10).task, tasks[i]);
    running = bed.last;
    EXPECT_EQ(bed.next(10).kind, NextKind::Idle);
  }
}

TEST(Slots, WaitingUnitsStillCountForThePredictedFinish) {
  Bed bed(partitionOf(1, 1));
  ASSERT_TRUE(bed.sched.setSlots(7, {0, 0}, 0).ok());
  const TaskId waiting = bed.add(ofClass(lowTask(1000, {100}, 1), 7));
  const TaskId task = bed.add(lowTask(2000, {50}, 2));
  bed.release(waiting, 0);
  EXPECT_EQ(bed.next(0).kind, NextKind::Idle);
  EXPECT_EQ(bed.sched.explain(task, 0).value()[0].predicted->toDouble(), 150.0);
}

TEST(Slots, MoreSlotsLetThemStart) {
  Bed bed(partitionOf(1, 2));
  ASSERT_TRUE(bed.sched.setSlots(7, {0, 0}, 0).ok());
  const TaskId a = bed.add(ofClass(lowTask(1000, {10}, 1), 7));
  const TaskId b = bed.add(ofClass(lowTask(2000, {10}, 2), 7));
  bed.release(a, 0);
  bed.release(b, 0);
  EXPECT_EQ(bed.next(0).kind, NextKind::Idle);
  ASSERT_TRUE(bed.sched.setSlots(7, {0, 0}, kUnlimitedSlots).ok());
  EXPECT_EQ(bed.runOne(0).task, a);
  EXPECT_EQ(bed.runOne(0).task, b);
}

TEST(Slots, ADroppedUnitPassesItsTurnOn) {
  Bed bed(partitionOf(1, 2));
  ASSERT_TRUE(bed.sched.setSlots(7, {0, 0}, 1).ok());
  TaskSpec impatient = ofClass(lowTask(100, {10}, 2), 7);
  impatient.lateJobs = LateJobs::Drop;
  const TaskId first = bed.add(ofClass(lowTask(1000, {10}, 1), 7));
  const TaskId second = bed.add(impatient);
  const TaskId third = bed.add(ofClass(lowTask(2000, {10}, 3), 7));
  bed.release(first, 0);
  const Dispatch running = bed.run(0);
  bed.release(second, 0);
  bed.release(third, 0);
  EXPECT_EQ(bed.next(0).kind, NextKind::Idle);
  bed.complete(running, 500, 500);
  const Next dropped = bed.next(500);
  ASSERT_EQ(dropped.kind, NextKind::Drop);
  EXPECT_EQ(dropped.dropped.task, second);
  EXPECT_FALSE(dropped.dropped.slotFreed);
  EXPECT_EQ(bed.runOne(500).task, third);
}

}  // namespace
}  // namespace daris::sched
