// Misses: late jobs dropped, counting when the deadline passes, causes and the task behind.
#include "bed.hpp"
#include "sched/miss_cause.hpp"

namespace daris::sched {
namespace {

TEST(Drop, ALateJobEndsWhenItWouldBeDispatched) {
  for (const LateJobs lateJobs : {LateJobs::Finish, LateJobs::Drop}) {
    Bed bed(partitionOf(1, 1));
    TaskSpec spec = lowTask(1000, {100, 100});
    spec.lateJobs = lateJobs;
    const TaskId task = bed.add(spec);
    bed.release(task, 0, 42);
    bed.complete(bed.run(0), 1001, 1001);
    const Next next = bed.next(1001);
    ASSERT_EQ(next.kind, lateJobs == LateJobs::Drop ? NextKind::Drop : NextKind::Run);
    if (lateJobs == LateJobs::Finish) continue;
    EXPECT_EQ(next.dropped.end, End::Dropped);
    EXPECT_EQ(next.dropped.stage, 1u);
    EXPECT_EQ(next.dropped.token, 42u);
    EXPECT_TRUE(next.dropped.missed);
    EXPECT_EQ(next.dropped.lateUs, 1);
    const Counters counters = bed.task(task).counters;
    EXPECT_EQ(counters.dropped, 1u);
    EXPECT_EQ(counters.missed, 1u);
    EXPECT_EQ(counters.completed, 0u);
    EXPECT_EQ(bed.next(1001).kind, NextKind::Idle);
    EXPECT_EQ(bed.context(0).lowActive, billionths(0));
  }
}

TEST(Drop, AtTheDeadlineItStillRuns) {
  Bed bed(partitionOf(1, 1));
  TaskSpec spec = lowTask(1000, {100, 100});
  spec.lateJobs = LateJobs::Drop;
  bed.release(bed.add(spec), 0);
  bed.complete(bed.run(0), 1000, 1000);
  EXPECT_EQ(bed.next(1000).kind, NextKind::Run);
}

TEST(Drop, TheStreamGoesToTheNextBest) {
  Bed bed(partitionOf(1, 1));
  TaskSpec spec = highTask(100, {10}, 1);
  spec.lateJobs = LateJobs::Drop;
  const TaskId late = bed.add(spec);
  const TaskId low = bed.add(lowTask(1000, {10}, 2));
  bed.release(late, 0);
  bed.release(low, 0);
  ASSERT_EQ(bed.next(101).kind, NextKind::Drop);
  EXPECT_EQ(bed.runOne(101).task, low);
}

TEST(Overdue, AMissCountsWhenTheDeadlinePassesAndOnlyOnce) {
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(lowTask(1000, {100}));
  bed.release(task, 0);
  const Dispatch running = bed.run(0);
  EXPECT_EQ(bed.sched.markOverdue(1000).value(), 0u);
  EXPECT_EQ(bed.sched.markOverdue(1001).value(), 1u);
  EXPECT_EQ(bed.sched.markOverdue(1002).value(), 0u);
  EXPECT_EQ(bed.task(task).counters.missed, 1u) << "while it hangs";
  const MemberCompletion done = bed.complete(running, 2000, 2000);
  EXPECT_TRUE(done.end->missed);
  EXPECT_EQ(bed.task(task).counters.missed, 1u);
  EXPECT_EQ(bed.task(task).counters.completed, 1u);
  EXPECT_EQ(bed.task(task).counters.inTime, 0u);
}

TEST(Cause, IsTheFirstThatExplainsTheLateness) {
  EXPECT_EQ(causeOf(true, 999, 999, 10), MissCause::Loading);
  EXPECT_EQ(causeOf(false, 11, 999, 10), MissCause::Overrun);
  EXPECT_EQ(causeOf(false, 10, 11, 10), MissCause::Blocked) << "by more than the lateness";
  EXPECT_EQ(causeOf(false, 0, 10, 10), MissCause::Queued);
}

TEST(Cause, Overrun) {
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(lowTask(1000, {100, 200}));
  bed.release(task, 0);
  const JobEnd end = bed.runToEnd(0, {600, 500});  // 800 over its MRETs, 100 late
  EXPECT_EQ(end.lateUs, 100);
  EXPECT_EQ(end.cause, MissCause::Overrun);
  EXPECT_FALSE(end.behind);
}

TEST(Cause, BlockedByALowerLevel) {
  Bed bed(partitionOf(1, 1));
  const TaskId low = bed.add(lowTask(10000, {900}, 1));
  const TaskId high = bed.add(highTask(1000, {300}, 2));
  bed.release(low, 0);
  const Dispatch running = bed.run(0);
  bed.release(high, 10);
  bed.complete(running, 900, 900);
  const JobEnd end = bed.runToEnd(900, {300});
  EXPECT_EQ(end.lateUs, 190);
  EXPECT_EQ(end.cause, MissCause::Blocked);
  EXPECT_EQ(end.behind, low);
  EXPECT_EQ(end.behindUs, 890);
}

TEST(Cause, QueuedBehindTheTaskThatHeldTheStreamLongest) {
  Bed bed(partitionOf(1, 1));
  const TaskId brief = bed.add(highTask(10000, {100}, 1));
  const TaskId lengthy = bed.add(highTask(10000, {400, 500}, 2));
  const TaskId low = bed.add(lowTask(1100, {300}, 3));
  for (const TaskId task : {brief, lengthy}) bed.release(task, 0);
  bed.release(low, 0);
  TimeUs now = 0;
  for (const DurationUs stageUs : {100, 400, 500}) {
    const Dispatch running = bed.run(now);
    bed.complete(running, stageUs, now += stageUs);
  }
  const JobEnd end = bed.runToEnd(now, {300});
  EXPECT_EQ(end.lateUs, 200);
  EXPECT_EQ(end.cause, MissCause::Queued);
  EXPECT_EQ(end.behind, lengthy);
  EXPECT_EQ(end.behindUs, 900);
}

TEST(Cause, LoadingWhileItsClassHadNoSlotAtAll) {
  Bed bed(partitionOf(1, 1));
  ASSERT_TRUE(bed.sched.setSlots(3, {0, 0}, 0).ok());
  TaskSpec spec = lowTask(1000, {100});
  spec.classId = 3;
  bed.release(bed.add(spec), 0);
  ASSERT_TRUE(bed.sched.setSlots(3, {0, 0}, 2).ok());
  const JobEnd end = bed.runToEnd(950, {100});
  EXPECT_EQ(end.cause, MissCause::Loading);
}

TEST(Cause, NoneInTime) {
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(lowTask(1000, {100}));
  bed.release(task, 0);
  const JobEnd end = bed.runToEnd(0, {1000});
  EXPECT_FALSE(end.missed) << "at the deadline is in time";
  EXPECT_EQ(end.cause, MissCause::None);
  EXPECT_EQ(bed.task(task).counters.inTime, 1u);
}

}  // namespace
}  // namespace daris::sched
