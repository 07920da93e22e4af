// Joining, rule by rule (docs/joining.md).
#include "joining_bed.hpp"

namespace daris::sched {
namespace {

struct Formed {
  std::size_t jobs;
  std::uint32_t capacity;
  friend bool operator==(const Formed&, const Formed&) = default;
};

Formed formed(const Dispatch& run) {
  return {run.members.size(), run.capacity};
}

TEST(Forming, TakesTheCapacityAtWhichMostJobsGoInATime) {
  struct Case {
    DurationUs fourUs;
    std::uint32_t ready;
    Formed first;
  };
  const std::vector<Case> cases = {
      {200, 1, {1, 1}}, {200, 2, {2, 2}}, {200, 3, {3, 4}}, {200, 4, {4, 4}}, {200, 9, {4, 4}},
      {213, 3, {3, 4}}, {214, 3, {2, 2}}, {284, 9, {4, 4}}, {285, 9, {2, 2}},  // faster by a twentieth?
      {90, 2, {2, 2}},                                                         // no larger than they need
  };
  for (const Case& each : cases) {
    JoiningBed bed(partitionOf(1, 1, joiningPolicy()), capacitiesOf({{1, 100}, {2, 150}, {4, each.fourUs}}));
    bed.addAndRelease(each.ready, lowTask(100'000, {100}));
    EXPECT_EQ(formed(bed.run(0)), each.first) << each.ready << " with four in " << each.fourUs;
  }
}

TEST(Forming, TakesThemInTheOrderOfTheirKeysAndLeavesTheRest) {
  JoiningBed bed(partitionOf(1, 2, joiningPolicy()));
  bed.addAndRelease(4, lowTask(50'000, {100}));
  const auto urgent = bed.addAndRelease(2, lowTask(20'000, {100}));
  const auto high = bed.addAndRelease(1, highTask(90'000, {100}));
  const Dispatch first = bed.run(0);
  ASSERT_EQ(formed(first), (Formed{4, 4}));
  EXPECT_EQ(first.members[0].task, high[0]);
  EXPECT_EQ(first.members[1].task, urgent[0]);
  EXPECT_EQ(first.members[2].task, urgent[1]);
  EXPECT_EQ(first.level, 1) << "HP, its only stage";
  EXPECT_EQ(formed(bed.run(0)), (Formed{3, 4})) << "what was left, on the other stream";
  EXPECT_EQ(bed.next(0).kind, NextKind::Idle);
}

TEST(Forming, NobodyWaitsForCompany) {
  JoiningBed bed(partitionOf(1, 1, joiningPolicy()));
  bed.addAndRelease(1, lowTask(100'000, {100}));
  EXPECT_EQ(formed(bed.run(0)), (Formed{1, 1}));
}

TEST(Forming, NobodyWhoCouldBeInTimeAloneIsMadeLate) {
  JoiningBed bed(partitionOf(1, 1, joiningPolicy()));
  const TaskId tight = bed.add(joined(lowTask(1000, {100}, 9)));
  bed.release(tight, 0);
  bed.addAndRelease(3, lowTask(100'000, {100}), 850);
  EXPECT_EQ(formed(bed.run(850)), (Formed{2, 2})) << "140 us are in time, 200 are not";
}

TEST(Forming, WhoIsLateAnywayHoldsNobodyBack) {
  JoiningBed bed(partitionOf(1, 1, joiningPolicy()));
  const TaskId tight = bed.add(joined(lowTask(1000, {100}, 9)));
  bed.release(tight, 0);
  bed.addAndRelease(3, lowTask(100'000, {100}), 901);
  EXPECT_EQ(formed(bed.run(901)), (Formed{4, 4})) << "alone it would end at 1001";
}

TEST(Forming, WhoIsToBeDroppedIsNotTaken) {
  JoiningBed bed(partitionOf(1, 1, joiningPolicy()));
  TaskSpec drops = joined(lowTask(100, {100}, 9));
  drops.lateJobs = LateJobs::Drop;
  drops.context = ContextRef{0, 0};
  const TaskId late = bed.add(drops);
  bed.release(late, 0);
  bed.addAndRelease(1, highTask(100'000, {100}), 200);
  EXPECT_EQ(formed(bed.run(200)), (Formed{1, 1}));
  EXPECT_EQ(bed.next(200).kind, NextKind::Idle);
}

TEST(Forming, StagesStayWithinWhatHighTasksBear) {
  for (const auto& [deadlineUs, expected] : {std::pair{DurationUs{340}, Formed{4, 4}}, {339, {2, 2}}}) {
    JoiningBed bed(partitionOf(1, 1, joiningPolicy()));
    TaskSpec other = highTask(deadlineUs, {140}, 99);  // bears 200 us before it, or 199
    bed.add(other);
    bed.addAndRelease(4, lowTask(100'000, {100}));
    EXPECT_EQ(formed(bed.run(0)), expected) << deadlineUs;
  }
}

TEST(Forming, WhatHighTasksBearGoesByWhatTheyWereMeasuredToTake) {
  JoiningBed bed(partitionOf(1, 1, joiningPolicy()));
  const TaskId other = bed.add(highTask(340, {140}, 99));
  bed.release(other, 0);
  bed.completeAll(bed.run(0), 141, 141);
  bed.addAndRelease(4, lowTask(100'000, {100}), 141);
  EXPECT_EQ(formed(bed.run(141)), (Formed{2, 2})) << "it bears 199 us";
}

TEST(Forming, WhoComesNextCanFindTheUnitBeforeIt) {
  for (const auto& [deadlineUs, expected] : {std::pair{DurationUs{450}, Formed{4, 4}}, {449, {2, 2}}}) {
    JoiningBed bed(partitionOf(1, 1, joiningPolicy()));
    bed.add(lowTask(5000, {50}, 99));  // may be before it too
    bed.add(joined(highTask(deadlineUs, {100}, 98)));
    bed.addAndRelease(4, lowTask(100'000, {100}));
    EXPECT_EQ(formed(bed.run(0)), expected) << deadlineUs;
  }
}

TEST(Forming, WaitsUntilTheUnitsOfItsClassThatHaveBegunGoOn) {
  JoiningBed bed(partitionOf(1, 1, joiningPolicy()), capacitiesOf({{1, 100}, {2, 150}, {4, 200}}, 2));
  bed.addAndRelease(1, lowTask(100'000, {100, 100}));
  const Dispatch begun = bed.run(0);
  bed.addAndRelease(3, highTask(50'000, {100, 100}), 10);
  const TaskId other = bed.add(highTask(40'000, {100, 100}, 50), 10);
  bed.release(other, 10);
  bed.completeAll(begun, 100, 100);
  const Dispatch urgent = bed.run(100);
  EXPECT_EQ(urgent.members[0].task, other) << "another class goes by its key";
  bed.completeAll(urgent, 100, 200);
  bed.completeAll(bed.run(200), 100, 300);
  const Dispatch next = bed.run(300);
  EXPECT_EQ(next.unit, begun.unit) << "although its job is of low priority";
  bed.completeAll(next, 100, 400);
  EXPECT_EQ(formed(bed.run(400)), (Formed{3, 4}));
}

TEST(Forming, ASlotIsForAUnitOfAnyCapacity) {
  JoiningBed bed(partitionOf(1, 3, joiningPolicy()));
  ASSERT_TRUE(bed.sched.setSlots(kJoined, {0, 0}, 2).ok());
  bed.addAndRelease(9, lowTask(100'000, {100}));
  const Dispatch four = bed.run(0);
  EXPECT_EQ(formed(four), (Formed{4, 4}));
  EXPECT_EQ(formed(bed.run(0)), (Formed{4, 4}));
  EXPECT_EQ(bed.next(0).kind, NextKind::Idle) << "one is ready, no slot is free";
  bed.addAndRelease(2, lowTask(100'000, {100}), 10);
  bed.completeAll(four, 200, 200);
  EXPECT_EQ(formed(bed.run(200)), (Formed{3, 4})) << "those that were set aside go together too";
}

TEST(Units, ATaskIsToldAsInASnapshot) {
  JoiningBed bed(partitionOf(1, 1, joiningPolicy()));
  const std::vector<TaskId> tasks = bed.addAndRelease(3, lowTask(100'000, {100}));
  const TaskId alone = bed.add(lowTask(100'000, {300}, 9));
  for (const TaskId task : {tasks[0], alone}) {
    const TaskSnapshot expected = bed.task(task);
    const auto totals = bed.sched.totals(task);
    ASSERT_TRUE(totals);
    EXPECT_EQ(totals->context, expected.context);
    EXPECT_EQ(totals->mretUs, expected.mretUs);
    EXPECT_EQ(totals->util, expected.util);
    EXPECT_EQ(totals->capacity, expected.capacity);
  }
  EXPECT_TRUE(bed.sched.removeTask(tasks[0], 0).ok());
  EXPECT_FALSE(bed.sched.totals(tasks[0])) << "it drains";
  bed.sched.snapshotContexts(bed.snapshot);
  EXPECT_EQ(bed.snapshot.contexts.size(), 1U);
}

TEST(Units, TheirMretsAreToldByTheCapacitiesThatRan) {
  JoiningBed bed(partitionOf(1, 1, joiningPolicy()), capacitiesOf({{1, 100}, {2, 150}, {4, 200}}, 2));
  bed.addAndRelease(3, lowTask(100'000, {100, 100}));
  bed.completeAll(bed.run(0), 210, 210);
  bed.sched.snapshot(bed.snapshot);
  EXPECT_TRUE(bed.snapshot.capacities.empty()) << "the second stage has not run";
  bed.completeAll(bed.run(210), 190, 400);
  bed.sched.snapshot(bed.snapshot);
  ASSERT_EQ(bed.snapshot.capacities.size(), 1U);
  const CapacitySnapshot& four = bed.snapshot.capacities[0];
  EXPECT_EQ(four.classId, kJoined);
  EXPECT_EQ(four.jobs, 4U);
  ASSERT_EQ(four.stageCount, 2U);
  EXPECT_EQ(bed.snapshot.stageMretUs[four.firstStage], 210);
  EXPECT_EQ(bed.snapshot.stageMretUs[four.firstStage + 1], 190);
}

TEST(Units, GoThroughAllStagesTogetherAndEndTogether) {
  JoiningBed bed(partitionOf(1, 1, joiningPolicy()), capacitiesOf({{1, 100}, {2, 150}, {4, 200}}, 2));
  const auto tasks = bed.addAndRelease(3, lowTask(100'000, {100, 100}));
  const Dispatch first = bed.run(0);
  EXPECT_TRUE(first.first);
  for (const MemberCompletion& member : bed.completeAll(first, 210, 210)) {
    EXPECT_FALSE(member.end);
    EXPECT_EQ(member.mretUs, 210);
  }
  const Dispatch second = bed.run(210);
  EXPECT_EQ(second.unit, first.unit);
  EXPECT_FALSE(second.first);
  ASSERT_EQ(second.members.size(), 3);
  const auto ends = bed.completeAll(second, 190, 400);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(ends[i].task, tasks[i]);
    ASSERT_TRUE(ends[i].end);
    EXPECT_EQ(ends[i].end->responseUs, 400);
    EXPECT_EQ(bed.task(tasks[i]).counters.completed, 1);
  }
  EXPECT_EQ(bed.context(0).busyUs, 400) << "once";
}

TEST(Units, HaveTheBestKeyOfTheirMembers) {
  JoiningBed bed(partitionOf(1, 1, joiningPolicy()), capacitiesOf({{1, 100}, {2, 140}}, 2));
  bed.addAndRelease(1, lowTask(100'000, {100, 100}));
  bed.addAndRelease(1, highTask(50'000, {100, 100}));
  const TaskId other = bed.add(highTask(60'000, {100, 100}, 50));
  bed.release(other, 0);
  const Dispatch unit = bed.run(0);
  ASSERT_EQ(unit.members.size(), 2);
  bed.completeAll(unit, 140, 140);
  EXPECT_EQ(bed.run(140).unit, unit.unit) << "its last stage, by its high-priority member";
}

TEST(Units, FailTogether) {
  JoiningBed bed(partitionOf(1, 1, joiningPolicy()));
  const auto tasks = bed.addAndRelease(2, lowTask(100'000, {100}));
  const Dispatch unit = bed.run(0);
  const StageCompletion failed = bed.sched.fail(unit.unit, 0, 50).value();
  ASSERT_EQ(failed.members.size(), 2);
  for (const MemberCompletion& member : failed.members) EXPECT_EQ(member.end->end, End::Failed);
  for (const TaskId task : tasks) EXPECT_EQ(bed.task(task).counters.failed, 1);
}

TEST(Units, RequestsThatWaitedAreTestedEachOnItsOwn) {
  JoiningBed bed(partitionOf(1, 1, joiningPolicy()));
  std::vector<TaskId> tasks;
  for (std::uint64_t order = 0; order < 4; ++order) {
    TaskSpec spec = joined(lowTask(1000, {100}, order));
    spec.releaseMode = ReleaseMode::OnRequest;
    spec.releaseJitterUs = kMaxTimeUs;
    tasks.push_back(bed.add(spec));
    bed.request(tasks.back(), 0);
    bed.request(tasks.back(), 0);
  }
  const auto ends = bed.completeAll(bed.run(0), 200, 200);
  ASSERT_EQ(ends.size(), 4);
  for (const MemberCompletion& member : ends) {
    ASSERT_TRUE(member.end->next);
    ASSERT_EQ(member.end->next->tested.size(), 1);
    EXPECT_EQ(member.end->next->decision, Decision::Admitted);
  }
}

TEST(Counting, UtilizationIsTheShareOfAUnit) {
  JoiningBed bed(partitionOf(1, 1, joiningPolicy()));
  const TaskId first = bed.add(joined(lowTask(1000, {100}, 0)));
  EXPECT_EQ(bed.task(first).util, billionths(100'000'000)) << "alone";
  for (std::uint64_t order = 1; order < 4; ++order) bed.add(joined(lowTask(1000, {100}, order)));
  EXPECT_EQ(bed.task(first).capacity, 4);
  EXPECT_EQ(bed.task(first).util, billionths(50'000'000)) << "200 us of four";
  EXPECT_EQ(bed.context(0).lowTotal, billionths(200'000'000));
}

TEST(Counting, TheCapacityFitsTheSmallestDeadlineTwiceBesideOthersLongestStage) {
  JoiningBed bed(partitionOf(1, 1, joiningPolicy()));
  std::vector<TaskId> tasks;
  for (std::uint64_t order = 0; order < 4; ++order)
    tasks.push_back(bed.add(joined(lowTask(600, {100}, order))));
  EXPECT_EQ(bed.task(tasks[0]).capacity, 4) << "2 * 200 within 600";
  bed.add(lowTask(5000, {200}, 9));
  EXPECT_EQ(bed.task(tasks[0]).capacity, 4) << "and 200 of another";
  const TaskId longer = bed.add(lowTask(5000, {201}, 10));
  EXPECT_EQ(bed.task(tasks[0]).capacity, 2);
  ASSERT_TRUE(bed.sched.removeTask(longer, 0).ok());
  EXPECT_EQ(bed.task(tasks[0]).capacity, 4);
}

TEST(Counting, ContextsShareTheTasksOfAClass) {
  JoiningBed bed(partitionOf(2, 1, joiningPolicy()));
  std::vector<TaskId> tasks;
  for (std::uint64_t order = 0; order < 7; ++order)
    tasks.push_back(bed.add(joined(lowTask(9000, {100}, order))));
  EXPECT_EQ(bed.task(tasks[0]).capacity, 2);
  bed.add(joined(lowTask(9000, {100}, 8)));
  EXPECT_EQ(bed.task(tasks[0]).capacity, 4);
}

TEST(Counting, AMeasurementChangesAllTasksOfTheClass) {
  JoiningBed bed(partitionOf(1, 1, joiningPolicy()));
  const auto tasks = bed.addAndRelease(4, lowTask(10'000, {100}));
  bed.completeAll(bed.run(0), 400, 400);
  for (const TaskId task : tasks) EXPECT_EQ(bed.task(task).util, billionths(10'000'000));
  EXPECT_EQ(bed.context(0).lowTotal, billionths(40'000'000));
  EXPECT_EQ(bed.context(0).lowActive, billionths(0));
}

TEST(Counting, AQueueLongerThanUnitsWorkOffIsRefused) {
  JoiningBed bed(partitionOf(1, 1, joiningPolicy(Admission::Predicted)));
  std::vector<TaskId> tasks;
  for (std::uint64_t order = 0; order < 40; ++order)
    tasks.push_back(bed.add(joined(lowTask(1000, {100}, order))));
  std::uint32_t admitted = 0;
  for (const TaskId task : tasks) admitted += bed.release(task, 0).decision == Decision::Admitted;
  EXPECT_EQ(admitted, 17) << "16 before it take 800 us, its own unit 200";
  TimeUs now = 0;
  for (std::uint32_t done = 0; done < admitted;) {
    const Dispatch unit = bed.run(now);
    now += unit.capacity == 4 ? 200 : 100;
    for (const MemberCompletion& member : bed.completeAll(unit, unit.capacity == 4 ? 200 : 100, now)) {
      EXPECT_FALSE(member.end->missed);
      ++done;
    }
  }
}

TEST(Counting, APredictionLeavesHighTasksWhatTheyNeed) {
  JoiningBed bed(partitionOf(1, 1, joiningPolicy(Admission::Predicted)));
  bed.add(highTask(1000, {500}, 99));  // half of the stream
  std::vector<TaskId> tasks;
  for (std::uint64_t order = 0; order < 5; ++order)
    tasks.push_back(bed.add(joined(lowTask(9000, {100}, order))));
  for (int i = 0; i < 4; ++i) bed.release(tasks[i], 0);
  EXPECT_EQ(bed.sched.explain(tasks[4], 0).value()[0].predicted->toDouble(), 4 * 50 / 0.5 + 200);
}

TEST(Counting, APredictionKnowsThatWhatHasBegunGoesFirst) {
  JoiningBed bed(partitionOf(1, 1, joiningPolicy(Admission::Predicted)),
                 capacitiesOf({{1, 100}, {2, 140}}, 2));
  const auto begun = bed.addAndRelease(1, lowTask(90'000, {100, 100}));
  const TaskId late = bed.add(joined(lowTask(2000, {100, 100}, 9)));
  bed.completeAll(bed.run(0), 100, 100);
  EXPECT_EQ(bed.sched.explain(late, 100).value()[0].predicted->toDouble(), 100 + 100 + 280);
}

TEST(Aging, OneSlowUnitDoesNotCloseItsCapacityForEver) {
  Config config = partitionOf(1, 1, joiningPolicy());
  config.policy.mretAging = true;
  config.policy.mretWindow = 2;
  JoiningBed bed(config);
  const auto tasks = bed.addAndRelease(4, highTask(1000, {100}));
  TimeUs now = 0;
  std::vector<std::uint32_t> capacities;
  const auto serve = [&](DurationUs slowUs) {
    for (std::size_t left = tasks.size(); left > 0;) {
      const Dispatch unit = bed.run(now);
      capacities.push_back(unit.capacity);
      const DurationUs execUs = unit.capacity == 4 && slowUs > 0 ? slowUs : 100 + 25 * unit.capacity;
      now += execUs;
      left -= bed.completeAll(unit, execUs, now).size();
    }
    now += 1000;
    for (const TaskId task : tasks) bed.release(task, now);
  };
  serve(600);  // twice that is more than the deadline
  serve(0);
  EXPECT_EQ(capacities, (std::vector<std::uint32_t>{4, 2, 2}));
  EXPECT_EQ(bed.task(tasks[0]).capacity, 2);
  serve(0);
  serve(0);
  EXPECT_EQ(capacities, (std::vector<std::uint32_t>{4, 2, 2, 2, 2, 4}))
      << "passed over twice: by its AFET again";
}

TEST(Aging, RejectionsAgeACapacityOnlyWhereNobodyMeasuresIt) {
  for (const bool measured : {false, true}) {
    Config config = partitionOf(1, 1, joiningPolicy());
    config.policy.mretAging = true;
    config.policy.mretWindow = 2;
    JoiningBed bed(config);
    const auto high = bed.addAndRelease(4, highTask(100'000, {100}));
    for (std::uint64_t order = 90; order < 93; ++order) bed.add(joined(highTask(100'000, {100}, order)));
    const TaskId low = bed.add(joined(lowTask(100'000, {100}, 99)));
    bed.completeAll(bed.run(0), 50'000, 50'000);  // an eighth of the time for each task
    EXPECT_EQ(bed.release(low, 50'000).decision, Decision::Rejected);
    if (measured) {
      for (const TaskId task : high) bed.release(task, 50'000);
      bed.completeAll(bed.run(50'000), 40'000, 90'000);
    }
    EXPECT_EQ(bed.release(low, 90'000).decision, Decision::Rejected) << "the second in a row";
    EXPECT_EQ(bed.task(low).mretUs, measured ? 50'000 : 200);
  }
}

TEST(Switching, CountsEachTaskTheOtherWay) {
  JoiningBed bed(partitionOf(1, 1, joiningPolicy()));
  const auto tasks = bed.addAndRelease(4, lowTask(1000, {100}));
  ASSERT_TRUE(bed.sched.configure(partitionOf(1, 1), 0).ok());
  EXPECT_EQ(bed.context(0).lowTotal, billionths(400'000'000));
  EXPECT_EQ(bed.context(0).lowActive, billionths(400'000'000));
  EXPECT_EQ(formed(bed.run(0)), (Formed{1, 1}));
  ASSERT_TRUE(bed.sched.configure(partitionOf(1, 1, joiningPolicy()), 0).ok());
  EXPECT_EQ(bed.context(0).lowActive, billionths(200'000'000));
}

TEST(Capacities, AreChecked) {
  Scheduler sched = std::move(Scheduler::create(partitionOf(1, 1, joiningPolicy())).value());
  const auto refused = [&](const std::vector<Capacity>& capacities) {
    const auto outcome = sched.setCapacities(kJoined, capacities);
    return !outcome.ok() && outcome.error().code == ErrorCode::InvalidSpec;
  };
  EXPECT_TRUE(refused(capacitiesOf({{2, 100}})));
  EXPECT_TRUE(refused(capacitiesOf({{1, 100}, {1, 100}})));
  EXPECT_TRUE(refused(capacitiesOf({{1, 100}, {257, 100}})));
  EXPECT_TRUE(refused(capacitiesOf({{1, 0}})));
  EXPECT_TRUE(refused({{1, {100}}, {2, {100, 100}}}));
  EXPECT_TRUE(sched.setCapacities(kJoined, capacitiesOf({{1, 100}, {256, 300}})).ok());
  const auto stages = sched.addTask(joined(lowTask(1000, {100, 100})), 0);
  ASSERT_FALSE(stages.ok());
  EXPECT_EQ(stages.error().code, ErrorCode::InvalidSpec);
  ASSERT_TRUE(sched.addTask(joined(lowTask(1000, {100})), 0).ok());
  EXPECT_EQ(sched.setCapacities(kJoined, {}).error().code, ErrorCode::ClassInUse);
}

TEST(Capacities, JoiningNeedsStages) {
  Policy policy = joiningPolicy();
  policy.staging = false;
  EXPECT_EQ(Scheduler::create(partitionOf(1, 1, policy)).error().what, "joining: needs staging");
}

}  // namespace
}  // namespace daris::sched
