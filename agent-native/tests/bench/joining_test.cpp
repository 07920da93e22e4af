// Jobs that go together, by the scheduler and by rules of queues, on slots of several forms of engine sim.
// Times are those of a machine that does other things meanwhile, so only what must hold at any speed is
// asserted.
#include <gtest/gtest.h>
#include <sched.h>

#include <nlohmann/json.hpp>

#include "engine/sim/sim_engine.hpp"
#include "engine/sim_packages.hpp"
#include "engine/wrapped_engine.hpp"
#include "gpu/bed.hpp"

namespace daris::bench {
namespace {

using nlohmann::json;

constexpr double kStageUs = 2000;  // however many go together

/// Nobody tells a dispatcher of completions: it spins, as with a GPU.
class PolledEngine : public test::WrappedEngine {
 public:
  using WrappedEngine::WrappedEngine;
  void listen(engine::CompletionListener*) noexcept override {}
  [[nodiscard]] bool polled() const noexcept override { return true; }
};

/// The last core that this process may use: what spins there leaves the engine's thread alone.
std::uint32_t last_core() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::uint32_t last = 0;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return last;
  for (std::uint32_t core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_ISSET(core, &set)) last = core;
  return last;
}

class JoiningTest : public testing::Test {
 protected:
  JoiningTest() {
    test::PackageContent package = test::simulated_chain(kStageUs);
    for (const std::uint32_t batch : {4U, 8U})
      test::add_simulation(package, batch, test::stage_time(kStageUs));
    test::write_folder(package, folder());
  }

  [[nodiscard]] std::filesystem::path folder() const { return root_.path() / "chain"; }

  json run(decltype(RunPlan::work) work, std::uint32_t streams = 1) {
    BedPlan plan{.name = "test", .partition = {.contexts = 1, .streams_per_context = streams}};
    plan.classes = {{.package = folder(), .slots_per_stream = 1, .capacities = {1, 2, 4, 8}}};
    plan.runs = {{"run", std::move(work)}};
    WatchedEngine watched(*engine_, 100'000);
    Models models(watched);
    Bed bed(watched, models, plan, last_core());
    return bed.run(plan.runs.front());
  }

  /// More than a lane does one after the other, 1:2: 800 jobs a second of 4 ms.
  static std::vector<GroupPlan> groups() {
    return {{.priority = sched::Priority::High, .tasks = 13, .period_us = 50'000},
            {.priority = sched::Priority::Low, .tasks = 27, .period_us = 50'000}};
  }

  test::TemporaryFolder root_;
  std::unique_ptr<engine::Engine> engine_ = engine::sim::make_engine({}, {0});
};

TEST_F(JoiningTest, ABareLoopCountsTheJobsOfAForm) {
  const json one = run(BarePlan{.seconds = 0.2});
  const json eight = run(BarePlan{.capacity = 8, .seconds = 0.2});
  EXPECT_EQ(eight.at("jobsPerS").get<int>() % 8, 0);
  EXPECT_GT(eight.at("jobsPerS"), one.at("jobsPerS"));
}

/// High jobs are never refused, and come a little faster than a lane does one after the other.
TEST_F(JoiningTest, TasksOfOneModelGoTogether) {
  const json figures =
      run(LoadPlan{.groups = groups(), .warm_up_seconds = 0.1, .seconds = 0.4, .joining = true});
  const json& high = figures.at("windows").at(0).at("high");
  EXPECT_GT(high.at("unitJobs"), 1.0);
  EXPECT_EQ(high.at("rejected"), 0);
  EXPECT_EQ(high.at("ended"), high.at("admitted"));
  EXPECT_FALSE(figures.contains("dispatcher")) << "it sleeps: its rounds tell nothing";
}

TEST_F(JoiningTest, ADispatcherThatSpinsTellsWhatItsWorkTakes) {
  engine_ = std::make_unique<PolledEngine>(std::move(engine_));
  const json figures =
      run(LoadPlan{.groups = groups(), .warm_up_seconds = 0.1, .seconds = 1, .joining = true});
  const json& dispatcher = figures.at("dispatcher");
  EXPECT_GT(dispatcher.at("launchUsPerJob"), 0);
  EXPECT_GT(dispatcher.at("busyUsPerJob"), dispatcher.at("launchUsPerJob"));
}

TEST_F(JoiningTest, WithoutJoiningTheSameTasksGoAlone) {
  const json figures = run(LoadPlan{.groups = groups(), .warm_up_seconds = 0.1, .seconds = 0.3});
  EXPECT_EQ(figures.at("windows").at(0).at("high").at("unitJobs"), 1.0);
  EXPECT_GT(figures.at("windows").at(0).at("low").at("rejected"), 0);
}

/// Of Low jobs nothing is said but that they were let in: on a busy machine they end unserved.
TEST_F(JoiningTest, FreeLanesRefuseNobody) {
  const json figures = run(QueuedPlan{.groups = groups(), .warm_up_seconds = 0.1, .seconds = 0.5}, 2);
  const json& window = figures.at("windows").at(0);
  for (const char* priority : {"high", "low"}) {
    const json& of = window.at(priority);
    EXPECT_GT(of.at("released"), 0) << priority;
    EXPECT_EQ(of.at("admitted"), of.at("released")) << priority;
    EXPECT_EQ(of.at("ended"), of.at("released")) << priority;
  }
  EXPECT_GE(window.at("high").at("responseUs").at("p50"), 2 * kStageUs);
  EXPECT_GT(window.at("high").at("unitJobs"), 1.0);
}

TEST_F(JoiningTest, TritonsDelayIsPartOfEveryResponse) {
  constexpr DurationUs kDelayUs = 20'000;
  QueuedPlan plan{.groups = groups(), .warm_up_seconds = 0.1, .seconds = 0.3};
  plan.triton = TritonTerms{.max_batch_size = 8, .preferred_batch_size = {}, .max_queue_delay_us = kDelayUs};
  plan.groups = {{.priority = sched::Priority::High, .tasks = 2, .period_us = 50'000}};
  const json figures = run(plan, 2);
  EXPECT_GE(figures.at("windows").at(0).at("high").at("responseUs").at("max"), kDelayUs + 2 * kStageUs);
}

TEST_F(JoiningTest, WhatStillWaitsAtTheEndIsNotLeftOut) {
  QueuedPlan plan{.groups = groups(), .warm_up_seconds = 0.1, .seconds = 0.3};
  for (GroupPlan& group : plan.groups) *group.tasks *= 5;  // twice what a lane does in units of eight
  const json figures = run(plan);
  const json& low = figures.at("windows").at(0).at("low");
  const json& responses = low.at("responseUs");
  EXPECT_EQ(low.at("ended"), low.at("released"));
  EXPECT_LT(responses.is_null() ? 0 : responses.at("count").get<int>(), low.at("ended").get<int>());
  EXPECT_GT(low.at("missRate"), 0.5);
}

}  // namespace
}  // namespace daris::bench
