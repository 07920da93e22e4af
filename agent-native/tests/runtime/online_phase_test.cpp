// The online phase with a real engine under a clock that the test moves: what is handled late, and what is
// withdrawn.
#include "runtime/online_phase.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "engine/onnx_packages.hpp"
#include "engine/openvino/openvino_engine.hpp"
#include "engine/stage_runner.hpp"

namespace daris::runtime {
namespace {

constexpr InstanceId kTask = 1;
constexpr DurationUs kPeriodUs = 20'000;

/// Stands still until it is moved.
class StillClock final : public Clock {
 public:
  [[nodiscard]] TimeUs steadyUs() const override { return nowUs; }
  [[nodiscard]] std::int64_t wallUs() const override { return nowUs + 1'700'000'000'000'000; }

  TimeUs nowUs = 5'000'000;
};

/// One engine and model for all tests: what is compiled for the first slot serves them all.
class OnlinePhaseTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const test::TemporaryFolder root;
    engine_ = engine::openvino::make_engine({test::usable_core()});
    model_ = engine_->load(test::open_content(test::chain_package(), root), {});
    engine_->partition({});
  }

  static void TearDownTestSuite() {
    model_.reset();
    engine_.reset();
  }

  OnlinePhaseTest() {
    std::promise<std::optional<std::string>> divided;
    divided.set_value(std::nullopt);
    sched::Policy policy;
    policy.admission = sched::Admission::Predicted;
    const auto entered = std::make_shared<std::promise<void>>();
    phase_.apply(Repartition{{}, policy, engine_->device().units, entered, divided.get_future().share()});
    AddSlots slots;
    slots.slots.push_back(engine_->create_slot(model_, 0, {1, 2}));
    slots.sample = engine_->create_job_memory(*model_, 1);
    phase_.apply(std::move(slots));
  }

  void add(sched::Priority priority, sched::ReleaseMode mode, InstanceId instance = kTask) {
    sched::TaskSpec spec;
    spec.priority = priority;
    spec.periodUs = spec.deadlineUs = kPeriodUs;
    spec.afetUs.assign(model_->manifest().stages.size(), 1000);
    spec.releaseMode = mode;
    spec.context = sched::ContextRef{};
    spec.order = instance;
    auto statistics = instance == kTask ? statistics_ : std::make_shared<TaskStatistics>();
    phase_.apply(AddTask{
        instance, {spec, 0}, std::make_shared<const std::string>("default/a"), std::move(statistics)});
  }

  RequestPtr request(std::uint64_t sequence, InstanceId instance = kTask) {
    auto made = std::make_shared<Request>();
    made->sequence = sequence;
    made->instance = instance;
    made->memory = engine_->create_job_memory(*model_, 1);
    made->clientDeadlineUs = kMaxTimeUs;
    return made;
  }

  /// With an input of its own.
  RequestPtr distinctRequest(std::uint64_t sequence, InstanceId instance) {
    RequestPtr made = request(sequence, instance);
    const std::span<std::byte> input = made->memory->input(0);
    std::vector<float> image(input.size() / sizeof(float));
    for (std::size_t i = 0; i < image.size(); ++i)
      image[i] = static_cast<float>((i * (sequence + 1)) % 23) / 23;
    std::memcpy(input.data(), image.data(), input.size());
    return made;
  }

  /// Jobs of the class may go two by two.
  void join() {
    sched::Policy policy;
    policy.joining = true;
    phase_.apply(ChangePolicy{policy});
    const std::vector<DurationUs> afetUs(model_->manifest().stages.size(), 1000);
    phase_.apply(SetCapacities{0, {{1, afetUs}, {2, afetUs}}});
  }

  /// Handles the next release so much after its grid point, which is answered.
  TimeUs releaseLate(DurationUs lateUs) {
    const TimeUs dueUs = phase_.nextReleaseUs();
    clock_.nowUs = dueUs + lateUs;
    EXPECT_TRUE(phase_.releaseDue());
    phase_.dispatch();
    return dueUs;
  }

  /// Runs what is active to its end, seen at this instant.
  void finishAt(TimeUs endUs) {
    clock_.nowUs = endUs;
    while (phase_.active()) {
      for (const engine::Completion& done : completions_.wait()) phase_.completed(done);
      phase_.dispatch();
    }
  }

  const TaskStatistics& statistics() {
    phase_.observe(figures_);
    return figures_.tasks.at(0).statistics;
  }

  static inline std::unique_ptr<engine::Engine> engine_;
  static inline std::shared_ptr<const engine::LoadedModel> model_;
  StillClock clock_;
  test::Completions completions_{*engine_};
  Channel<Event> events_{64};
  trace::Ring ring_{1024};
  OnlinePhase phase_{*engine_, clock_, events_, ring_};
  Figures figures_;
  std::shared_ptr<TaskStatistics> statistics_ = std::make_shared<TaskStatistics>();
};

TEST_F(OnlinePhaseTest, TheResponseCountsFromTheGridPoint) {
  add(sched::Priority::High, sched::ReleaseMode::Periodic);
  const TimeUs dueUs = releaseLate(3000);
  finishAt(dueUs + 8000);
  EXPECT_EQ(statistics().response().sumUs(), 8000U) << "3000 of them before it was handled";
  EXPECT_EQ(statistics().jobs().onTime, 1U);
  EXPECT_EQ(phase_.nextReleaseUs(), dueUs + kPeriodUs) << "no drift";
}

TEST_F(OnlinePhaseTest, AfterAStallTheNewestPointIsReleasedAndMeetsItsDeadline) {
  add(sched::Priority::High, sched::ReleaseMode::Periodic);
  const TimeUs dueUs = releaseLate(5 * kPeriodUs + 1000);
  finishAt(dueUs + 5 * kPeriodUs + 9000);
  const JobCounters jobs = statistics().jobs();
  EXPECT_EQ(jobs.released, 6U);
  EXPECT_EQ(jobs.skipped, 5U);
  EXPECT_EQ(jobs.onTime, 1U);
  EXPECT_EQ(statistics().response().sumUs(), 9000U);
  EXPECT_EQ(phase_.nextReleaseUs(), dueUs + 6 * kPeriodUs);
}

TEST_F(OnlinePhaseTest, ReleasesThatWereDueWhileATaskWasAwayAreSkipped) {
  add(sched::Priority::High, sched::ReleaseMode::Periodic);
  const TimeUs firstUs = phase_.nextReleaseUs();
  phase_.apply(RemoveTask{kTask, true});
  clock_.nowUs = firstUs + 3 * kPeriodUs;
  add(sched::Priority::High, sched::ReleaseMode::Periodic);
  EXPECT_EQ(statistics().jobs().released, 3U) << "the fourth is due now and yet to be released";
  EXPECT_EQ(statistics().jobs().skipped, 3U);
  EXPECT_EQ(phase_.nextReleaseUs(), firstUs + 3 * kPeriodUs);
}

TEST_F(OnlinePhaseTest, ATaskThatWasAwayBetweenTwoReleasesSkipsNone) {
  add(sched::Priority::High, sched::ReleaseMode::Periodic);
  phase_.apply(RemoveTask{kTask, true});
  add(sched::Priority::High, sched::ReleaseMode::Periodic);
  EXPECT_EQ(statistics().jobs().skipped, 0U);
}

TEST_F(OnlinePhaseTest, ATaskThatEndedForGoodSkipsNothingWhenItIsAddedAnew) {
  add(sched::Priority::High, sched::ReleaseMode::Periodic);
  phase_.apply(RemoveTask{kTask});
  clock_.nowUs += 10 * kPeriodUs;
  add(sched::Priority::High, sched::ReleaseMode::Periodic);
  EXPECT_EQ(statistics().jobs().skipped, 0U);
}

TEST_F(OnlinePhaseTest, AMissCountsFromTheGridPoint) {
  add(sched::Priority::High, sched::ReleaseMode::Periodic);
  const TimeUs dueUs = releaseLate(3000);
  clock_.nowUs = dueUs + kPeriodUs;
  phase_.markOverdue();
  EXPECT_EQ(statistics().jobs().missed, 0U) << "at its deadline";
  clock_.nowUs = dueUs + kPeriodUs + 1;
  phase_.markOverdue();
  EXPECT_EQ(statistics().jobs().missed, 1U);
  finishAt(dueUs + kPeriodUs + 700);
  EXPECT_EQ(statistics().jobs().missed, 1U);
  EXPECT_EQ(statistics().jobs().onTime, 0U);
  EXPECT_EQ(statistics().miss(0).lateUs, 700);
}

TEST_F(OnlinePhaseTest, AJobThatWasHandledTooLateToMakeItIsRejected) {
  add(sched::Priority::Low, sched::ReleaseMode::Periodic);
  phase_.apply(request(1));
  releaseLate(kPeriodUs - 3999);  // four stages of 1000 each
  EXPECT_EQ(statistics().jobs().rejected, 1U);
  EXPECT_EQ(statistics().jobs().rejectedByPrediction, 1U);
  EXPECT_EQ(statistics().jobs().rejectedByUtilization, 0U);
  EXPECT_FALSE(phase_.active());
  const auto told = events_.tryReceive();
  ASSERT_TRUE(told && std::holds_alternative<Answered>(*told));
  const std::string words = explain(std::get<Answered>(*told).request->outcome, "a.default");
  EXPECT_EQ(words, "admission: predicted finish after 20.001ms > deadline 20ms on context 0");
}

TEST_F(OnlinePhaseTest, AWithdrawnRequestIsAnsweredAndDoesNotRun) {
  add(sched::Priority::Low, sched::ReleaseMode::OnRequest);
  phase_.apply(request(1));
  phase_.dispatch();
  clock_.nowUs += kPeriodUs / 2;
  phase_.apply(request(2));
  phase_.apply(Withdraw{kTask, 2});
  const auto told = events_.tryReceive();
  ASSERT_TRUE(told && std::holds_alternative<Answered>(*told));
  EXPECT_EQ(std::get<Answered>(*told).request->sequence, 2U);
  EXPECT_EQ(std::get<Answered>(*told).request->outcome.answer, Answer::Cancelled);
  finishAt(clock_.nowUs + 1000);
  const JobCounters jobs = statistics().jobs();
  EXPECT_EQ(jobs.released, 2U);
  EXPECT_EQ(jobs.withdrawn, 1U);
  EXPECT_EQ(jobs.admitted, 1U);
  EXPECT_EQ(jobs.completed, 1U);
}

TEST_F(OnlinePhaseTest, WhatDoesNotWaitIsNotWithdrawn) {
  add(sched::Priority::Low, sched::ReleaseMode::OnRequest);
  phase_.apply(request(1));
  phase_.dispatch();
  phase_.apply(Withdraw{kTask, 1});      // it runs
  phase_.apply(Withdraw{kTask, 7});      // never made
  phase_.apply(Withdraw{kTask + 1, 1});  // no such task
  finishAt(clock_.nowUs + 1000);
  phase_.apply(Withdraw{kTask, 1});  // it has ended
  EXPECT_EQ(statistics().jobs().completed, 1U);
  EXPECT_EQ(statistics().jobs().withdrawn, 0U);
}

TEST_F(OnlinePhaseTest, JobsThatGoTogetherGetTheirOwnOutputs) {
  join();
  add(sched::Priority::High, sched::ReleaseMode::OnRequest, kTask);
  add(sched::Priority::Low, sched::ReleaseMode::OnRequest, kTask + 1);
  const RequestPtr first = distinctRequest(1, kTask);
  const RequestPtr second = distinctRequest(2, kTask + 1);
  phase_.apply(RequestPtr(first));
  phase_.apply(RequestPtr(second));
  phase_.dispatch();
  finishAt(clock_.nowUs + 4000);
  const auto together = std::ranges::count_if(ring_.readFrom(0).records, [](const trace::Record& record) {
    return record.kind == trace::Kind::Dispatch && record.dispatch.jobs == 2;
  });
  EXPECT_EQ(together, 8) << "two jobs in each of four stages";
  phase_.observe(figures_);
  for (const TaskFigures& task : figures_.tasks) {
    EXPECT_EQ(task.statistics.jobs().completed, 1U);
    EXPECT_EQ(task.statistics.startedJobs(), 1U);
    EXPECT_EQ(task.statistics.unitJobs(), 2U);
  }
  ASSERT_EQ(figures_.capacities.size(), 1U);
  EXPECT_EQ(figures_.capacities[0].jobs, 2U);
  EXPECT_EQ(figures_.capacities[0].stageCount, 4U);

  for (const auto& [request, instance] : {std::pair{first, kTask}, {second, kTask + 1}}) {
    ASSERT_EQ(request->outcome.answer, Answer::Completed);
    clock_.nowUs += 2 * kPeriodUs;
    const RequestPtr alone = distinctRequest(request->sequence, instance);
    phase_.apply(RequestPtr(alone));
    phase_.dispatch();
    finishAt(clock_.nowUs + 4000);
    const auto values = [](const RequestPtr& of) {
      const std::span<const std::byte> output = of->memory->output(0);
      std::vector<float> scores(output.size() / sizeof(float));
      std::memcpy(scores.data(), output.data(), output.size());
      return scores;
    };
    const std::vector<float> got = values(request), expected = values(alone);
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-4);
    EXPECT_NE(values(first), values(second));
  }
}

TEST_F(OnlinePhaseTest, AClassThatJoinedLeavesNothingBehind) {
  join();
  add(sched::Priority::High, sched::ReleaseMode::OnRequest);
  phase_.apply(request(1));
  phase_.dispatch();
  phase_.apply(RemoveTask{kTask});
  phase_.apply(RetireClass{0});
  finishAt(clock_.nowUs + 1000);
  std::optional<ClassRetired> retired;
  while (auto event = events_.tryReceive())
    if (auto* found = std::get_if<ClassRetired>(&*event)) retired = std::move(*found);
  ASSERT_TRUE(retired);
  EXPECT_EQ(retired->contents.slots.size(), 1U);
  EXPECT_NE(retired->contents.sample, nullptr);
}

TEST_F(OnlinePhaseTest, TheInputOfAPeriodicTaskStaysWhenItsClientLeaves) {
  add(sched::Priority::Low, sched::ReleaseMode::Periodic);
  phase_.apply(request(1));
  phase_.apply(Withdraw{kTask, 1});
  finishAt(releaseLate(0) + 5000);
  const auto told = events_.tryReceive();
  ASSERT_TRUE(told && std::holds_alternative<Answered>(*told));
  EXPECT_EQ(std::get<Answered>(*told).request->outcome.answer, Answer::Completed) << "the job used it";
}

}  // namespace
}  // namespace daris::runtime
