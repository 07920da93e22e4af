// Wrong use of the core's API: a typed error, and the state is what it was.
#include <limits>

#include "bed.hpp"

namespace daris::sched {
namespace {

TEST(Errors, ConfigurationsAreRefusedByField) {
  struct Case {
    std::string_view field;
    void (*spoil)(Config&);
  };
  const Case cases[] = {
      {"gpus", [](Config& c) { c.gpus.clear(); }},
      {"gpus",
       [](Config& c) {
         c.gpus.assign(300, {1, 1, 1024, 1});
       }},
      {"smCount", [](Config& c) { c.gpus[0].smCount = 0; }},
      {"contexts", [](Config& c) { c.gpus[0].contexts = 0; }},
      {"contexts", [](Config& c) { c.gpus[0].contexts = kMaxContexts + 1; }},
      {"streamsPerContext", [](Config& c) { c.gpus[0].streamsPerContext = 0; }},
      {"streamsPerContext", [](Config& c) { c.gpus[0].streamsPerContext = kMaxStreams + 1; }},
      {"oversubscription", [](Config& c) { c.gpus[0].oversubscription = 0.99; }},
      {"oversubscription", [](Config& c) { c.gpus[0].oversubscription = 2.01; }},
      {"oversubscription",
       [](Config& c) { c.gpus[0].oversubscription = std::numeric_limits<double>::quiet_NaN(); }},
      {"mretWindow", [](Config& c) { c.policy.mretWindow = 0; }},
      {"mretWindow", [](Config& c) { c.policy.mretWindow = kMaxMretWindow + 1; }},
  };
  Bed bed(partitionOf(2, 1));
  for (const Case& c : cases) {
    Config config = partitionOf(2, 1);
    c.spoil(config);
    const auto created = Scheduler::create(config);
    ASSERT_FALSE(created.ok()) << c.field;
    EXPECT_EQ(created.error().code, ErrorCode::InvalidConfig);
    EXPECT_TRUE(created.error().what.starts_with(c.field)) << created.error().what;
    EXPECT_FALSE(bed.sched.configure(config, 0).ok());
  }
  EXPECT_EQ(bed.context(1).streams, 1u);
}

TEST(Errors, SpecsAreRefusedByField) {
  struct Case {
    std::string_view field;
    void (*spoil)(TaskSpec&);
  };
  const Case cases[] = {
      {"periodUs", [](TaskSpec& s) { s.periodUs = 0; }},
      {"periodUs", [](TaskSpec& s) { s.periodUs = kMaxTimeUs + 1; }},
      {"deadlineUs", [](TaskSpec& s) { s.deadlineUs = 0; }},
      {"deadlineUs", [](TaskSpec& s) { s.deadlineUs = s.periodUs + 1; }},
      {"afetUs", [](TaskSpec& s) { s.afetUs.clear(); }},
      {"afetUs", [](TaskSpec& s) { s.afetUs.assign(kMaxStages + 1, 1); }},
      {"afetUs", [](TaskSpec& s) { s.afetUs[0] = 0; }},
      {"afetUs", [](TaskSpec& s) { s.afetUs[0] = -5; }},
      {"releaseJitterUs", [](TaskSpec& s) { s.releaseJitterUs = -1; }},
      {"context",
       [](TaskSpec& s) {
         s.context = ContextRef{0, 2};
       }},
      {"context",
       [](TaskSpec& s) {
         s.context = ContextRef{1, 0};
       }},
  };
  Bed bed(partitionOf(2, 1));
  const TaskId task = bed.add(lowTask(1000, {100}));
  for (const Case& c : cases) {
    TaskSpec spec = lowTask(1000, {100, 100});
    c.spoil(spec);
    const auto added = bed.sched.addTask(spec, 0);
    ASSERT_FALSE(added.ok()) << c.field;
    EXPECT_TRUE(added.error().what.starts_with(c.field)) << added.error().what;
    EXPECT_FALSE(bed.sched.changeTask(task, spec, 0).ok());
  }
  EXPECT_EQ(bed.task(task).stageCount, 1u);
  EXPECT_EQ(bed.snapshot.tasks.size(), 1u);
}

TEST(Errors, UnknownNames) {
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(lowTask(1000, {100}));
  const TaskId wrong[] = {
      {}, {task.index, task.generation + 1}, {task.index + 1, task.generation}, {1u << 30, 1}};
  for (const TaskId id : wrong) {
    EXPECT_EQ(bed.sched.release(id, {0, 0}, 0).error().code, ErrorCode::UnknownTask);
    EXPECT_EQ(bed.sched.request(id, 0, 0).error().code, ErrorCode::UnknownTask);
    EXPECT_EQ(bed.sched.changeTask(id, lowTask(1, {1}), 0).error().code, ErrorCode::UnknownTask);
    EXPECT_EQ(bed.sched.removeTask(id, 0).error().code, ErrorCode::UnknownTask);
    EXPECT_EQ(bed.sched.explain(id, 0).error().code, ErrorCode::UnknownTask);
    EXPECT_EQ(bed.sched.withdraw(id, 0).error().code, ErrorCode::UnknownTask);
  }
  EXPECT_EQ(bed.sched.next({0, 1}, 0).error().code, ErrorCode::UnknownContext);
  EXPECT_EQ(bed.sched.next({1, 0}, 0).error().code, ErrorCode::UnknownContext);
  EXPECT_EQ(bed.sched.setSlots(0, {7, 7}, 1).error().code, ErrorCode::UnknownContext);
  EXPECT_EQ(bed.sched.complete({}, 0, 1, 0).error().code, ErrorCode::UnknownUnit);
  EXPECT_EQ(bed.sched.fail({5, 5}, 0, 0).error().code, ErrorCode::UnknownUnit);
  EXPECT_EQ(bed.sched.request(task, 0, 0).error().code, ErrorCode::WrongReleaseMode);
}

TEST(Errors, CompletionsOutOfOrderChangeNothing) {
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(lowTask(1000, {100, 100}));
  bed.release(task, 0);
  const Dispatch first = bed.run(0);
  EXPECT_EQ(bed.sched.complete(first.unit, 1, 10, 50).error().code, ErrorCode::StageMismatch);
  EXPECT_EQ(bed.sched.complete(first.unit, 0, -1, 50).error().code, ErrorCode::InvalidTime);
  EXPECT_EQ(bed.task(task).mretUs, 200);
  bed.complete(first, 100, 100);
  EXPECT_EQ(bed.sched.complete(first.unit, 0, 10, 100).error().code, ErrorCode::NotRunning);
  EXPECT_EQ(bed.sched.fail(first.unit, 1, 100).error().code, ErrorCode::NotRunning);
  bed.complete(bed.run(100), 100, 200);
  EXPECT_EQ(bed.sched.complete(first.unit, 1, 10, 200).error().code, ErrorCode::UnknownUnit);
  EXPECT_EQ(bed.task(task).counters.completed, 1u);
}

TEST(Errors, TimeNeverGoesBack) {
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(lowTask(1000, {100}), 500);
  EXPECT_EQ(bed.sched.release(task, {0, 499}, 499).error().code, ErrorCode::TimeWentBack);
  EXPECT_EQ(bed.sched.next({0, 0}, 499).error().code, ErrorCode::TimeWentBack);
  EXPECT_EQ(bed.sched.markOverdue(499).error().code, ErrorCode::TimeWentBack);
  EXPECT_EQ(bed.sched.release(task, {0, 0}, kMaxTimeUs + 1).error().code, ErrorCode::InvalidTime);
  EXPECT_EQ(bed.release(task, 500).number, 0u) << "nothing was counted";
}

TEST(Errors, AReleaseIsNeverAfterNow) {
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(lowTask(1000, {100}), 500);
  for (const TimeUs releaseUs : {TimeUs{601}, kMaxTimeUs + 1, -kMaxTimeUs - 1}) {
    const auto refused = bed.sched.release(task, {0, releaseUs}, 600);
    EXPECT_EQ(refused.error().code, ErrorCode::InvalidTime) << releaseUs;
    EXPECT_TRUE(refused.error().what.starts_with("releaseUs"));
  }
  const ReleaseOutcome released = bed.sched.release(task, {0, 300}, 500).value();
  EXPECT_EQ(released.number, 0u) << "nothing was counted, and now did not move";
  EXPECT_EQ(released.deadlineUs, 1300) << "a release before an earlier call is fine";
}

}  // namespace
}  // namespace daris::sched
