// Admission (11, 12), migration, predicted finish, HPA, ageing.
#include "bed.hpp"

namespace daris::sched {
namespace {

TEST(Eq11_12, LowPriorityFitsStrictlyBelowWhatHighPriorityLeaves) {
  struct Case {
    DurationUs lowUs;
    bool admitted;
  };
  // N_s = 1, HP total 0.4, so the active LP sum must stay below 0.6.
  for (const Case& c : std::vector<Case>{{599, true}, {600, false}, {601, false}}) {
    Bed bed(partitionOf(1, 1));
    bed.add(highTask(1000, {400}));
    const TaskId low = bed.add(lowTask(1000, {c.lowUs}));
    EXPECT_EQ(bed.release(low, 0).decision, c.admitted ? Decision::Admitted : Decision::Rejected) << c.lowUs;
  }
}

TEST(Eq11_12, TheTermsAreInTheAnswer) {
  Bed bed(partitionOf(1, 2));
  bed.add(highTask(1000, {400}));
  const TaskId first = bed.add(lowTask(1000, {900}, 1));
  const TaskId second = bed.add(lowTask(1000, {800}, 2));
  const ReleaseOutcome admitted = bed.release(first, 0);
  ASSERT_TRUE(admitted.admittedBy);
  EXPECT_EQ(admitted.admittedBy->active, billionths(0));
  EXPECT_EQ(admitted.admittedBy->remaining, billionths(1'600'000'000));
  const ReleaseOutcome rejected = bed.release(second, 0);
  EXPECT_EQ(rejected.decision, Decision::Rejected);
  ASSERT_EQ(rejected.tested.size(), 1u);
  EXPECT_EQ(rejected.tested[0].active, billionths(900'000'000));
  EXPECT_EQ(rejected.tested[0].util, billionths(800'000'000));
  EXPECT_EQ(rejected.tested[0].remaining, billionths(1'600'000'000));
  EXPECT_FALSE(rejected.tested[0].fits);
  EXPECT_EQ(rejected.rejectedBy, Admission::Utilization);
}

TEST(Eq7, AnEndedJobNoLongerCounts) {
  Bed bed(partitionOf(1, 1));
  const TaskId first = bed.add(lowTask(1000, {600}, 1));
  const TaskId second = bed.add(lowTask(1000, {600}, 2));
  bed.release(first, 0);
  EXPECT_EQ(bed.release(second, 0).decision, Decision::Rejected);
  bed.runToEnd(0, {600});
  EXPECT_EQ(bed.release(second, 600).decision, Decision::Admitted);
}

TEST(Eq11_12, HighPriorityTotalMayExceedCapacityAndLeavesNothing) {
  Bed bed(partitionOf(1, 1));
  const TaskId high = bed.add(highTask(1000, {1500}));
  const TaskId low = bed.add(lowTask(1000, {1}));
  EXPECT_EQ(bed.release(high, 0).decision, Decision::Admitted) << "HP is not tested without HPA";
  const ReleaseOutcome outcome = bed.release(low, 0);
  EXPECT_EQ(outcome.decision, Decision::Rejected);
  EXPECT_EQ(outcome.tested[0].remaining, billionths(-500'000'000));
}

TEST(Release, IsSkippedWhileThePreviousJobIsActive) {
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(lowTask(1000, {100}));
  EXPECT_EQ(bed.release(task, 0).number, 0u);
  const ReleaseOutcome skipped = bed.release(task, 1000, 7);
  EXPECT_EQ(skipped.decision, Decision::Skipped);
  EXPECT_EQ(skipped.token, 7u);
  EXPECT_EQ(skipped.number, 1u) << "skipped ones count";
  bed.runToEnd(1000, {100});
  EXPECT_EQ(bed.release(task, 2000).number, 2u);
}

TEST(Migration, GoesToTheEarliestPredictedFinishTiesByIndex) {
  Bed bed(partitionOf(4, 1));
  const TaskId blocker = bed.add(in(lowTask(1000, {600}, 1), 0));
  const TaskId busy = bed.add(in(lowTask(1000, {300}, 2), 1));
  const TaskId task = bed.add(in(lowTask(1000, {500}, 3), 0));
  bed.release(blocker, 0);
  bed.release(busy, 0);
  bed.runOne(0, 1);
  const ReleaseOutcome outcome = bed.release(task, 10);
  EXPECT_EQ(outcome.decision, Decision::Admitted);
  EXPECT_EQ(outcome.context.index, 2u) << "2 and 3 are both empty";
  ASSERT_TRUE(outcome.migratedFrom);
  EXPECT_EQ(outcome.migratedFrom->index, 0u);
  EXPECT_EQ(outcome.admittedBy->predicted->toDouble(), 510.0);
  ASSERT_EQ(outcome.tested.size(), 4u) << "own first, then the others by index";
  EXPECT_EQ(outcome.tested[1].predicted->toDouble(), 810.0) << "300 running, counted whole";
  const TaskSnapshot after = bed.task(task);
  EXPECT_EQ(after.migrations.count, 1u);
  EXPECT_EQ(after.migrations.from.index, 0u);
  EXPECT_EQ(after.migrations.to.index, 2u);
  EXPECT_EQ(after.migrations.atUs, 10);
  EXPECT_EQ(bed.context(2).lowTotal, billionths(500'000'000));
  EXPECT_EQ(bed.context(2).lowActive, billionths(500'000'000));
  EXPECT_EQ(bed.context(0).lowTotal, billionths(600'000'000));
  EXPECT_EQ(bed.runOne(10, 2).task, task);
}

TEST(Migration, StaysInsideTheGpu) {
  Config config = partitionOf(1, 1);
  config.gpus.push_back(config.gpus[0]);
  Bed bed(config);
  const TaskId blocker = bed.add(in(lowTask(1000, {600}, 1), 0));
  const TaskId task = bed.add(in(lowTask(1000, {600}, 2), 0));
  bed.release(blocker, 0);
  EXPECT_EQ(bed.release(task, 0).decision, Decision::Rejected);
}

TEST(PredictedFinish, CountsOnlyWhatRunsOrWouldRunBefore) {
  Bed bed(partitionOf(1, 2));
  const TaskId first = bed.add(lowTask(10000, {500, 100}, 1));
  const TaskId second = bed.add(lowTask(10000, {300, 100}, 2));
  const TaskId urgent = bed.add(lowTask(4000, {200, 100}, 3));
  const TaskId lax = bed.add(lowTask(40000, {700, 700}, 4));
  const TaskId task = bed.add(lowTask(8000, {400, 100}, 5));
  for (const TaskId released : {first, second}) {
    bed.release(released, 0);
    bed.runOne(0);
  }
  bed.release(urgent, 0);
  bed.release(lax, 0);
  // 600 + 400 running and 300 before it over two streams, and its own 500; the 1400 of `lax` come after it.
  EXPECT_EQ(bed.sched.explain(task, 100).value()[0].predicted->toDouble(), 100 + 1300 / 2.0 + 500);
}

TEST(Predicted, RefusesWhatWouldBeLateAlthoughItFits) {
  for (const bool predicted : {false, true}) {
    Policy policy;
    policy.admission = predicted ? Admission::Predicted : Admission::Utilization;
    Bed bed(partitionOf(1, 1, policy));
    const TaskId slow = bed.add(lowTask(10000, {1000}, 1));
    TaskSpec spec = lowTask(1500, {600}, 2);
    const TaskId quick = bed.add(spec);
    bed.release(slow, 0);
    bed.runOne(0);
    const ReleaseOutcome outcome = bed.release(quick, 0);  // 1000 running + 600 > 1500
    EXPECT_EQ(outcome.decision, predicted ? Decision::Rejected : Decision::Admitted);
    if (!predicted) continue;
    EXPECT_TRUE(outcome.tested[0].fits);
    EXPECT_FALSE(outcome.tested[0].passes);
    EXPECT_EQ(outcome.tested[0].predicted->toDouble(), 1600.0);
    EXPECT_EQ(outcome.rejectedBy, Admission::Predicted);
  }
}

TEST(Predicted, RefusesByTheFinishWhereOneContextFitsAndTheOtherDoesNot) {
  Policy policy;
  policy.admission = Admission::Predicted;
  Bed bed(partitionOf(2, 1, policy));
  bed.add(in(highTask(1000, {900}, 1), 0));
  const TaskId slow = bed.add(in(lowTask(10000, {1000}, 2), 1));
  const TaskId quick = bed.add(in(lowTask(1500, {600}, 3), 0));
  bed.release(slow, 0);
  bed.runOne(0, 1);
  const ReleaseOutcome outcome = bed.release(quick, 0);
  ASSERT_EQ(outcome.decision, Decision::Rejected);
  ASSERT_EQ(outcome.tested.size(), 2u);
  EXPECT_FALSE(outcome.tested[0].fits) << "0.4 + 0.9 in its own";
  EXPECT_TRUE(outcome.tested[1].fits);
  EXPECT_EQ(outcome.rejectedBy, Admission::Predicted);
}

TEST(Predicted, RefusesByUtilizationWhereNothingFits) {
  Policy policy;
  policy.admission = Admission::Predicted;
  Bed bed(partitionOf(1, 1, policy));
  bed.add(highTask(1000, {900}, 1));
  const TaskId low = bed.add(lowTask(1000, {200}, 2));
  const ReleaseOutcome outcome = bed.release(low, 0);
  ASSERT_EQ(outcome.decision, Decision::Rejected);
  EXPECT_EQ(outcome.rejectedBy, Admission::Utilization);
}

TEST(Predicted, AFinishAtTheDeadlineIsInTime) {
  Policy policy;
  policy.admission = Admission::Predicted;
  Bed bed(partitionOf(1, 1, policy));
  const TaskId slow = bed.add(lowTask(10000, {1000}, 1));
  const TaskId quick = bed.add(lowTask(1600, {600}, 2));
  bed.release(slow, 0);
  bed.runOne(0);
  EXPECT_EQ(bed.release(quick, 0).decision, Decision::Admitted);
}

TEST(Hpa, TestsHighPriorityAgainstActiveLoadAndNeverMigratesIt) {
  Policy policy;
  policy.highPriorityAdmission = true;
  Bed bed(partitionOf(2, 1, policy));
  const TaskId idle = bed.add(in(highTask(1000, {900}, 1), 0));
  const TaskId low = bed.add(in(lowTask(1000, {99}, 2), 0));
  const TaskId high = bed.add(in(highTask(1000, {901}, 3), 0));
  (void)idle;
  EXPECT_EQ(bed.release(low, 0).decision, Decision::Admitted) << "migrates: 0.099 does not fit under -0.801";
  EXPECT_EQ(bed.task(low).context.index, 1u);
  const ReleaseOutcome first = bed.release(high, 0);
  EXPECT_EQ(first.decision, Decision::Admitted) << "0.9 total of the idle HP task does not count";
  EXPECT_EQ(first.admittedBy->remaining, billionths(1'000'000'000));
  const ReleaseOutcome second = bed.release(idle, 0);
  EXPECT_EQ(second.decision, Decision::Rejected);
  ASSERT_EQ(second.tested.size(), 1u) << "its own context only";
  EXPECT_EQ(second.tested[0].active, billionths(901'000'000));
}

TEST(Aging, AfterWindowRejectionsTheOldestMeasurementGoes) {
  for (const bool aging : {false, true}) {
    Policy policy;
    policy.mretWindow = 2;
    policy.mretAging = aging;
    Bed bed(partitionOf(1, 1, policy));
    const TaskId task = bed.add(lowTask(1000, {100}));
    bed.release(task, 0);
    bed.runToEnd(0, {1200});  // a hiccup: u = 1.2 never fits again
    EXPECT_EQ(bed.release(task, 2000).decision, Decision::Rejected);
    const ReleaseOutcome second = bed.release(task, 3000);
    EXPECT_EQ(second.decision, Decision::Rejected);
    EXPECT_EQ(second.tested[0].util, billionths(1'200'000'000)) << "tested before the ageing";
    EXPECT_EQ(bed.task(task).mretUs, aging ? 100 : 1200);
    EXPECT_EQ(bed.release(task, 4000).decision, aging ? Decision::Admitted : Decision::Rejected);
  }
}

TEST(Aging, AnAdmissionStartsTheCountAnew) {
  Policy policy;
  policy.mretWindow = 2;
  policy.mretAging = true;
  Bed bed(partitionOf(1, 1, policy));
  const TaskId other = bed.add(lowTask(1000, {800}, 1));
  const TaskId task = bed.add(lowTask(1000, {300}, 2));
  bed.release(task, 0);
  bed.runToEnd(0, {400});
  bed.release(other, 1000);
  EXPECT_EQ(bed.release(task, 1000).decision, Decision::Rejected);
  bed.runToEnd(1000, {800});
  bed.release(task, 2000);
  bed.runToEnd(2000, {250});
  bed.release(other, 3000);
  EXPECT_EQ(bed.release(task, 3000).decision, Decision::Rejected);
  EXPECT_EQ(bed.task(task).mretUs, 400) << "one rejection since the admission, not two";
  EXPECT_EQ(bed.release(task, 4000).decision, Decision::Rejected);
  EXPECT_EQ(bed.task(task).mretUs, 250);
}

TEST(Explain, GivesTheTermsWithoutAnyEffect) {
  Bed bed(partitionOf(2, 1));
  const TaskId task = bed.add(in(lowTask(1000, {300}), 1));
  const auto terms = bed.sched.explain(task, 0).value();
  ASSERT_EQ(terms.size(), 2u);
  EXPECT_EQ(terms[0].context.index, 1u);
  EXPECT_EQ(terms[0].predicted->toDouble(), 300.0);
  EXPECT_EQ(bed.task(task).counters, Counters{});
}

}  // namespace
}  // namespace daris::sched
