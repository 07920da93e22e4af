// Sporadic releases: the GCRA, one waiting request, replacement.
#include "bed.hpp"
#include "sched/gcra.hpp"

namespace daris::sched {
namespace {

TaskSpec onRequest(TaskSpec spec, std::optional<DurationUs> jitterUs = std::nullopt) {
  spec.releaseMode = ReleaseMode::OnRequest;
  spec.releaseJitterUs = jitterUs;
  return spec;
}

TEST(Gcra, AllowsThePeriodWithItsTolerance) {
  struct Step {
    TimeUs at;
    bool conforms;
  };
  struct Case {
    const char* name;
    DurationUs toleranceUs;
    std::vector<Step> steps;
  };
  const Case cases[] = {
      {"strict", 0, {{0, true}, {999, false}, {1000, true}, {1500, false}, {2000, true}}},
      {"tolerance does not accumulate",
       300,
       {{0, true}, {700, true}, {1400, false}, {1700, true}, {2700, true}}},
      {"a pause earns no credit beyond the tolerance",
       200,
       {{0, true}, {9000, true}, {9800, true}, {10599, false}}},
  };
  for (const Case& c : cases) {
    Gcra gcra;
    for (const Step& step : c.steps)
      EXPECT_EQ(gcra.arrive(step.at, 1000, c.toleranceUs), step.conforms) << c.name << " at " << step.at;
  }
}

TEST(Request, EarlyIsRefusedAndToldWhenToComeAgain) {
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(onRequest(lowTask(1000, {10})));
  EXPECT_EQ(bed.request(task, 0).decision, Decision::Admitted);
  bed.runToEnd(0, {10});
  const ReleaseOutcome early = bed.request(task, 499, 5);
  EXPECT_EQ(early.decision, Decision::Early) << "tolerance T/2";
  EXPECT_EQ(early.retryAtUs, 500);
  EXPECT_EQ(early.token, 5u);
  EXPECT_EQ(bed.request(task, 500).decision, Decision::Admitted);
  const Counters counters = bed.task(task).counters;
  EXPECT_EQ(counters.early, 1u);
  EXPECT_EQ(counters.released, 2u);
}

TEST(Request, OneWaitsANewerOneReplacesItAndTheEndReleasesIt) {
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(onRequest(lowTask(1000, {10}), 0));
  bed.request(task, 0, 100);
  const Dispatch running = bed.run(0);
  const ReleaseOutcome second = bed.request(task, 1000, 101);
  EXPECT_EQ(second.decision, Decision::Waiting);
  EXPECT_FALSE(second.superseded);
  const ReleaseOutcome third = bed.request(task, 2000, 102);
  EXPECT_EQ(third.decision, Decision::Waiting);
  EXPECT_EQ(third.superseded, Token{101});
  const MemberCompletion done = bed.complete(running, 2500, 2500);
  ASSERT_TRUE(done.end && done.end->next);
  EXPECT_EQ(done.end->token, 100u);
  EXPECT_EQ(done.end->next->token, 102u);
  EXPECT_EQ(done.end->next->number, 2u);
  EXPECT_EQ(done.end->next->decision, Decision::Rejected) << "u = 2.5 by now";
  const Counters counters = bed.task(task).counters;
  EXPECT_EQ(counters.released, 3u);
  EXPECT_EQ(counters.superseded, 1u);
  EXPECT_EQ(counters.rejected, 1u);
}

TEST(Request, TheWaitingOneIsReleasedAtTheEndOfTheJob) {
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(onRequest(lowTask(1000, {10})));
  bed.request(task, 0, 1);
  const Dispatch running = bed.run(0);
  EXPECT_EQ(bed.request(task, 600, 2).decision, Decision::Waiting);
  const MemberCompletion done = bed.complete(running, 700, 700);
  ASSERT_TRUE(done.end->next);
  EXPECT_EQ(done.end->next->decision, Decision::Admitted);
  EXPECT_EQ(done.end->next->deadlineUs, 1700);
  const UnitMember member = bed.runOne(700);
  EXPECT_EQ(member.token, 2u);
  EXPECT_EQ(member.releaseUs, 700);
}

TEST(Request, AFailedJobReleasesItToo) {
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(onRequest(lowTask(1000, {10})));
  bed.request(task, 0, 1);
  const Dispatch running = bed.run(0);
  bed.request(task, 600, 2);
  const StageCompletion failed = bed.sched.fail(running.unit, 0, 650).value();
  ASSERT_TRUE(failed.finished);
  EXPECT_EQ(failed.members[0].end->end, End::Failed);
  EXPECT_EQ(failed.members[0].end->next->decision, Decision::Admitted);
  EXPECT_EQ(bed.task(task).counters.failed, 1u);
  EXPECT_EQ(bed.task(task).mretUs, 10) << "nothing is measured";
}

TEST(Withdraw, TheWaitingRequestIsNotReleasedAndIsCountedOnce) {
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(onRequest(lowTask(1000, {10})));
  bed.request(task, 0, 1);
  const Dispatch running = bed.run(0);
  bed.request(task, 600, 2);
  ASSERT_TRUE(bed.sched.withdraw(task, 2).ok());
  EXPECT_FALSE(bed.task(task).waiting);
  EXPECT_FALSE(bed.complete(running, 700, 700).end->next);
  EXPECT_EQ(bed.next(700).kind, NextKind::Idle);
  const Counters counters = bed.task(task).counters;
  EXPECT_EQ(counters.released, 2u);
  EXPECT_EQ(counters.withdrawn, 1u);
  EXPECT_EQ(counters.superseded, 0u);
  EXPECT_EQ(counters.admitted, 1u);
  EXPECT_EQ(counters.completed, 1u);
}

TEST(Withdraw, KeepsItsPlaceInTheGcra) {
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(onRequest(lowTask(1000, {10}), 0));
  bed.request(task, 0, 1);
  const Dispatch running = bed.run(0);
  bed.request(task, 1000, 2);
  ASSERT_TRUE(bed.sched.withdraw(task, 2).ok());
  EXPECT_EQ(bed.request(task, 1999, 3).decision, Decision::Early) << "it did arrive";
  EXPECT_EQ(bed.request(task, 2000, 4).decision, Decision::Waiting);
  EXPECT_EQ(bed.complete(running, 2000, 2000).end->next->token, 4u);
}

TEST(Withdraw, WhatDoesNotWaitIsRefusedAndNothingChanges) {
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(onRequest(lowTask(1000, {10})));
  const auto refused = [&](Token token) { return bed.sched.withdraw(task, token).error().code; };
  EXPECT_EQ(refused(0), ErrorCode::NotWaiting) << "nothing was asked";
  bed.request(task, 0, 1);
  EXPECT_EQ(refused(1), ErrorCode::NotWaiting) << "it was released";
  const Dispatch running = bed.run(0);
  EXPECT_EQ(refused(1), ErrorCode::NotWaiting) << "it runs";
  bed.request(task, 600, 2);
  bed.request(task, 1600, 3);
  EXPECT_EQ(refused(2), ErrorCode::NotWaiting) << "it was replaced";
  EXPECT_TRUE(bed.task(task).waiting);
  EXPECT_EQ(bed.task(task).counters.withdrawn, 0u);
  ASSERT_TRUE(bed.sched.withdraw(task, 3).ok());
  EXPECT_EQ(refused(3), ErrorCode::NotWaiting) << "once";
  EXPECT_EQ(bed.complete(running, 10, 1700).end->end, End::Completed);
  EXPECT_EQ(bed.task(task).counters.withdrawn, 1u);
}

TEST(Request, RemovalAndAChangeToPeriodicCancelTheWaitingOne) {
  for (const bool remove : {false, true}) {
    Bed bed(partitionOf(1, 1));
    const TaskId task = bed.add(onRequest(lowTask(1000, {10})));
    bed.request(task, 0, 1);
    const Dispatch running = bed.run(0);
    bed.request(task, 600, 2);
    if (remove) {
      EXPECT_EQ(bed.sched.removeTask(task, 600).value().cancelled, Token{2});
    } else {
      EXPECT_EQ(bed.sched.changeTask(task, lowTask(1000, {10}), 600).value().cancelled, Token{2});
      EXPECT_EQ(bed.sched.request(task, 3, 1600).error().code, ErrorCode::WrongReleaseMode);
      EXPECT_EQ(bed.task(task).counters.withdrawn, 1u);
    }
    EXPECT_FALSE(bed.complete(running, 700, 1700).end->next);
  }
}

}  // namespace
}  // namespace daris::sched
