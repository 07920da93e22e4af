// Runs of a bed on engine sim: the same dispatcher, online phase and bare loop as on a GPU. Times are those
// of a machine that does other things meanwhile, so only what must hold at any speed is asserted.
#include "gpu/bed.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/sim/sim_engine.hpp"
#include "engine/sim_packages.hpp"

namespace daris::bench {
namespace {

using nlohmann::json;

constexpr double kStageUs = 2000;

class BedTest : public testing::Test {
 protected:
  BedTest() {
    const test::PackageContent package = test::simulated_chain(kStageUs);
    stages_ = static_cast<std::int64_t>(package.manifest.at("stages").size());
    test::write_folder(package, folder());
  }

  [[nodiscard]] std::filesystem::path folder() const { return root_.path() / "chain"; }

  [[nodiscard]] BedPlan plan_of(std::uint32_t contexts, std::uint32_t streams,
                                std::vector<RunPlan> runs) const {
    BedPlan plan{.name = "test", .partition = {.contexts = contexts, .streams_per_context = streams}};
    plan.classes = {{.package = folder()}};
    plan.runs = std::move(runs);
    return plan;
  }

  /// Figures of the last run.
  json run(const BedPlan& plan) {
    Bed bed(watched_, models_, plan, 0);
    json figures;
    for (const RunPlan& each : plan.runs) figures = bed.run(each);
    return figures;
  }

  static RunPlan load(LoadPlan plan) {
    plan.seconds = 0.3;
    plan.warm_up_seconds = 0.05;
    return {"load", std::move(plan)};
  }

  test::TemporaryFolder root_;
  std::int64_t stages_ = 0;
  std::unique_ptr<engine::Engine> engine_ = engine::sim::make_engine({}, {0});
  WatchedEngine watched_{*engine_, 100'000};
  Models models_{watched_};
};

TEST_F(BedTest, ABareLoopKeepsAllStreamsBusy) {
  const json figures = run(plan_of(2, 2, {{"bare", BarePlan{.seconds = 0.3, .samples = true}}}));
  EXPECT_GT(figures.at("jobsPerS"), 0);
  EXPECT_EQ(figures.at("failed"), 0);
  EXPECT_GE(figures.at("jobUs").at("p50"), stages_ * 2000 - 2);
  EXPECT_EQ(figures.at("samplesUs").size(), figures.at("jobUs").at("count"));
}

TEST_F(BedTest, EveryReleaseHasAFate) {
  LoadPlan plan{.groups = {{.priority = sched::Priority::High, .tasks = 4, .period_us = 20'000},
                           {.priority = sched::Priority::Low, .tasks = 40, .period_us = 20'000}},
                .compare = true};
  const json figures = run(plan_of(1, 2, {load(plan)}));
  const json& window = figures.at("windows").at(0);
  for (const char* priority : {"high", "low"}) {
    const json& of = window.at(priority);
    EXPECT_GT(of.at("released"), 0) << priority;
    EXPECT_EQ(of.at("released"),
              of.at("admitted").get<int>() + of.at("rejected").get<int>() + of.at("skipped").get<int>())
        << priority;
    EXPECT_EQ(of.at("ended"), of.at("admitted")) << priority;
  }
  EXPECT_EQ(window.at("high").at("rejected"), 0);
  EXPECT_GT(window.at("low").at("rejected"), 0);  // 40 jobs of 4 ms a 20 ms on two streams
  EXPECT_GE(window.at("high").at("responseUs").at("p50"), stages_ * 2000);
  EXPECT_GT(figures.at("compared"), 0);
  EXPECT_EQ(figures.at("different"), 0);
}

TEST_F(BedTest, ALoadMayBeToldByTheBareLoop) {
  LoadPlan plan{.groups = {{.priority = sched::Priority::High, .period_us = 50'000, .times_bare = 0.5}}};
  const BedPlan bed = plan_of(1, 4, {{"bare", BarePlan{.seconds = 0.2}}, load(plan)});
  EXPECT_GT(run(bed).at("groups").at(0).at("tasks"), 1);
  EXPECT_THROW((void)run(plan_of(1, 4, {load(plan)})), std::runtime_error);
}

TEST_F(BedTest, TasksOfABookedContextMoveAtTheirFirstRelease) {
  constexpr DurationUs kMinuteUs = 60'000'000;
  LoadPlan plan{
      .groups = {{.priority = sched::Priority::High,
                  .tasks = 1,
                  .period_us = kMinuteUs,
                  .context = 0,
                  .booked_us = kMinuteUs,
                  .asleep = true},
                 {.priority = sched::Priority::Low, .tasks = 5, .period_us = 100'000, .context = 0}},
      .admission = sched::Admission::Utilization};
  RunPlan moves = load(plan);
  std::get<LoadPlan>(moves.work).warm_up_seconds = 0;
  const json window = run(plan_of(2, 1, {moves})).at("windows").at(0);
  EXPECT_EQ(window.at("high").at("released"), 0);
  EXPECT_GT(window.at("low").at("migrated"), 0);
  EXPECT_LE(window.at("low").at("migrated"), 5);
}

TEST_F(BedTest, AModelThatComesBesideIsSeenPhaseByPhase) {
  LoadPlan plan{.groups = {{.priority = sched::Priority::High, .tasks = 2, .period_us = 20'000}},
                .beside = BesidePlan{.package = folder(), .slots = 1}};
  const json figures = run(plan_of(1, 2, {load(plan)}));
  std::vector<std::string> names;
  for (const json& window : figures.at("windows")) names.push_back(window.at("name"));
  EXPECT_EQ(names, (std::vector<std::string>{"before", "load", "measure", "firstSlot", "otherSlots", "during",
                                             "after", "destroySlots"}));
  EXPECT_GT(figures.at("windows").at(6).at("high").at("ended"), 0);
}

}  // namespace
}  // namespace daris::bench
