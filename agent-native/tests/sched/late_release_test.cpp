// Periodic releases that are handled late: what counts from the grid's point, and what from now.
#include "bed.hpp"

namespace daris::sched {
namespace {

/// Released at 1000, handled at 1000 + lateUs.
struct Case {
  const char* name;
  DurationUs lateUs;
  DurationUs execUs;
  DurationUs responseUs;
  bool missed;
};

class LateRelease : public testing::TestWithParam<Case> {};

TEST_P(LateRelease, DeadlineResponseAndMissCountFromTheGridPoint) {
  const Case& c = GetParam();
  const TimeUs now = 1000 + c.lateUs;
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(highTask(1000, {100}));
  EXPECT_EQ(bed.releaseLate(task, 1000, now).deadlineUs, 2000);
  const UnitMember member = bed.runOne(now);
  EXPECT_EQ(member.releaseUs, 1000);
  EXPECT_EQ(member.deadlineUs, 2000);
  EXPECT_EQ(bed.last.virtualDeadlineUs, 2000);
  EXPECT_EQ(bed.sched.markOverdue(now + c.execUs).value(), c.missed ? 1u : 0u);
  const MemberCompletion done = bed.complete(bed.last, c.execUs, now + c.execUs);
  EXPECT_EQ(done.end->responseUs, c.responseUs);
  EXPECT_EQ(done.end->missed, c.missed);
  EXPECT_EQ(done.end->lateUs, c.missed ? c.responseUs - 1000 : 0);
  const Counters counters = bed.task(task).counters;
  EXPECT_EQ(counters.missed, c.missed ? 1u : 0u);
  EXPECT_EQ(counters.inTime, c.missed ? 0u : 1u);
}

INSTANTIATE_TEST_SUITE_P(Handled, LateRelease,
                         testing::Values(Case{"AtOnce", 0, 300, 300, false},
                                         Case{"LateAndInTime", 200, 300, 500, false},
                                         Case{"LateAndAtTheDeadline", 700, 300, 1000, false},
                                         Case{"LateAndMissed", 701, 300, 1001, true},
                                         Case{"AfterTheDeadline", 1500, 300, 1800, true}),
                         [](const auto& info) { return info.param.name; });

TEST(LateReleaseEq8, VirtualDeadlinesCountFromTheGridPoint) {
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(highTask(1000, {100, 300}));
  bed.releaseLate(task, 1000, 1600);
  const Dispatch first = bed.run(1600);
  EXPECT_EQ(first.virtualDeadlineUs, 1250) << "passed before it was handled";
  EXPECT_TRUE(bed.complete(first, 100, 1700).missedVirtualDeadline);
  const Dispatch second = bed.run(1700);
  EXPECT_EQ(second.level, 0) << "last, and its predecessor missed";
  EXPECT_EQ(second.virtualDeadlineUs, 2000);
}

TEST(LateReleaseEdf, TheEarlierGridPointGoesFirst) {
  Bed bed(partitionOf(1, 1));
  const TaskId prompt = bed.add(highTask(1000, {100}, 1));
  const TaskId late = bed.add(highTask(1000, {100}, 2));
  bed.release(prompt, 1300);
  bed.releaseLate(late, 1200, 1300);
  EXPECT_EQ(bed.runOne(1300).task, late);
}

TEST(LateReleaseEdf, EqualDeadlinesGoByTheEarlierGridPoint) {
  Bed bed(partitionOf(1, 1));
  TaskSpec brief = highTask(1000, {100}, 1);
  brief.deadlineUs = 500;
  const TaskId later = bed.add(brief);
  const TaskId earlier = bed.add(highTask(1000, {100}, 2));
  bed.release(later, 1500);              // due 2000
  bed.releaseLate(earlier, 1000, 1500);  // due 2000
  EXPECT_EQ(bed.runOne(1500).task, earlier);
}

TEST(LateReleaseAdmission, PredictedRefusesWhatWasHandledTooLateToMakeIt) {
  struct Handled {
    TimeUs now;
    Admission admission;
    Decision decision;
  };
  // Released at 1000, due at 2000, 400 to run.
  for (const Handled& c : {Handled{1600, Admission::Predicted, Decision::Admitted},
                           Handled{1601, Admission::Predicted, Decision::Rejected},
                           Handled{2500, Admission::Predicted, Decision::Rejected},
                           Handled{2500, Admission::Utilization, Decision::Admitted}}) {
    Policy policy;
    policy.admission = c.admission;
    Bed bed(partitionOf(1, 1, policy));
    const ReleaseOutcome outcome = bed.releaseLate(bed.add(lowTask(1000, {400})), 1000, c.now);
    EXPECT_EQ(outcome.decision, c.decision) << c.now;
    EXPECT_EQ(outcome.deadlineUs, 2000);
    if (c.admission == Admission::Utilization) continue;
    EXPECT_EQ(outcome.tested[0].predicted->toDouble(), c.now + 400) << "from now";
  }
}

TEST(LateReleaseDrop, AJobHandledAfterItsDeadlineIsDroppedUnstarted) {
  Bed bed(partitionOf(1, 1));
  TaskSpec spec = highTask(1000, {100});
  spec.lateJobs = LateJobs::Drop;
  const TaskId task = bed.add(spec);
  bed.releaseLate(task, 1000, 2001);
  const Next next = bed.next(2001);
  ASSERT_EQ(next.kind, NextKind::Drop);
  EXPECT_EQ(next.dropped.responseUs, 1001);
  EXPECT_EQ(next.dropped.cause, MissCause::Queued);
  EXPECT_EQ(bed.task(task).counters.dropped, 1u);
}

TEST(LateReleaseCause, TheWaitBeginsAtTheGridPoint) {
  Bed bed(partitionOf(1, 1));
  const TaskId low = bed.add(lowTask(10000, {900}, 1));
  const TaskId high = bed.add(highTask(1000, {300}, 2));
  bed.release(low, 0);
  const Dispatch running = bed.run(0);
  bed.complete(running, 900, 900);
  bed.releaseLate(high, 10, 900);  // the completion and the release are seen in one round
  const JobEnd end = bed.runToEnd(900, {300});
  EXPECT_EQ(end.lateUs, 190);
  EXPECT_EQ(end.cause, MissCause::Blocked);
  EXPECT_EQ(end.behind, low);
  EXPECT_EQ(end.behindUs, 890);
}

TEST(LateReleaseGrid, AReleaseMayStepBackBehindTheFormerOne) {
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(lowTask(1000, {100}));
  bed.release(task, 1000);
  bed.runToEnd(1000, {100});
  EXPECT_EQ(bed.releaseLate(task, 900, 1200).deadlineUs, 1900);
}

}  // namespace
}  // namespace daris::sched
