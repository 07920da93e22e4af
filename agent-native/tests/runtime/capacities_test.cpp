// Which capacities classes have, what their tasks are booked with, and what is measured for them.
#include "runtime/capacities.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/desired_task.hpp"
#include "runtime/plan.hpp"

namespace daris::runtime {
namespace {

using test::highTask;
using test::kCores;
using test::taskNamed;
using Sizes = std::vector<std::uint32_t>;

/// Two stages; loaded at these batch sizes, of which nothing was measured.
ObservedModel modelOf(const Sizes& batches) {
  ObservedModel model;
  model.digest = "sha256:a";
  model.phase = ModelPhase::Ready;
  auto manifest = std::make_shared<model::Manifest>();
  manifest->stages.resize(2);
  model.manifest = manifest;
  for (const std::uint32_t batch : batches) model.batches.push_back({batch, {}});
  return model;
}

std::vector<BatchTiming> known(const Sizes& sizes) {
  std::vector<BatchTiming> timings;
  for (const std::uint32_t size : sizes) timings.push_back({size, {1000 + 10 * size, 2000 + 10 * size}});
  return timings;
}

Sizes sizesOf(const Capacities& capacities) {
  Sizes sizes;
  for (const sched::Capacity& each : capacities) sizes.push_back(each.jobs);
  return sizes;
}

TEST(Capacities, AreTheBatchesWhoseTimesAreKnownInJobs) {
  const ObservedModel model = modelOf({1, 2, 3, 4, 8});
  EXPECT_EQ(sizesOf(capacitiesOf(model, known({1, 2, 4}), 1)), (Sizes{1, 2, 4}));
  EXPECT_EQ(sizesOf(capacitiesOf(model, known({2, 3, 4, 8, 16}), 2)), (Sizes{1, 2, 4}));
  EXPECT_EQ(capacitiesOf(model, known({2, 4}), 2)[1].afetUs, (std::vector<DurationUs>{1040, 2040}));
}

TEST(Capacities, AreNoneWhereNothingButOneIsKnown) {
  const ObservedModel model = modelOf({1, 2, 4});
  EXPECT_TRUE(capacitiesOf(model, known({1}), 1).empty());
  EXPECT_TRUE(capacitiesOf(model, known({2, 4}), 1).empty()) << "what one job takes is not known";
  EXPECT_TRUE(capacitiesOf(model, known({1, 2, 4}), 3).empty());
  EXPECT_TRUE(capacitiesOf(model, {{1, {1000}}, {2, {2000}}}, 1).empty()) << "of another number of stages";
  ObservedModel loading = model;
  loading.phase = ModelPhase::Loading;
  EXPECT_TRUE(capacitiesOf(loading, known({1, 2, 4}), 1).empty());
}

TEST(Capacities, OwnMeasurementsCountWhileTheyHoldAndNothingElseIsKnown) {
  ObservedModel model = modelOf({});
  model.batches = known({1, 2});
  EXPECT_TRUE(capacitiesOf(model, {}, 1).empty()) << "of a former partitioning";
  model.measured = true;
  EXPECT_EQ(sizesOf(capacitiesOf(model, {}, 1)), (Sizes{1, 2}));
  const Capacities both = capacitiesOf(model, {{2, {7, 8}}}, 1);
  EXPECT_EQ(both[0].afetUs, model.batches[0].stageAfetUs);
  EXPECT_EQ(both[1].afetUs, (std::vector<DurationUs>{7, 8}));
}

TEST(Capacities, AreSixteenAtMostAndNoneOver256) {
  Sizes many;
  for (std::uint32_t size = 1; size <= 20; ++size) many.push_back(size);
  EXPECT_EQ(capacitiesOf(modelOf(many), known(many), 1).size(), 16U);
  EXPECT_EQ(sizesOf(capacitiesOf(modelOf({1, 256, 512}), known({1, 256, 512}), 1)), (Sizes{1, 256}));
}

DesiredState desiredOf(std::vector<DesiredTask> tasks, bool joining = true) {
  DesiredState desired;
  desired.policy.partition = {1, 1, 1};
  desired.policy.scheduling.joining = joining;
  desired.models = {{"sha256:a", "file:///a"}};
  desired.models[0].batches = known({1, 2, 4});
  desired.tasks = std::move(tasks);
  return desired;
}

const ModelTable kModels{{"sha256:a", modelOf({1, 2, 4})}};

TEST(JoinedClasses, AreThoseOfTheTasksWhereThePolicySaysSo) {
  DesiredTask pair = taskNamed("pair");
  pair.batchSize = 2;
  const auto joined = joinedClasses(desiredOf({taskNamed("a"), taskNamed("b"), pair}), kModels);
  ASSERT_EQ(joined.size(), 2U);
  EXPECT_EQ(sizesOf(joined.at({"sha256:a", 1})), (Sizes{1, 2, 4}));
  EXPECT_EQ(sizesOf(joined.at({"sha256:a", 2})), (Sizes{1, 2}));
  EXPECT_TRUE(joinedClasses(desiredOf({taskNamed("a")}, false), kModels).empty());
}

TEST(JoinedPlan, TasksGoByTheTimesOfTheirClassAndNobodyIsMeasured) {
  DesiredTask booked = taskNamed("a");
  booked.stageAfetUs = {1, 1};
  const DesiredState desired = desiredOf({booked, taskNamed("b")});
  const JoinedClasses joined = joinedClasses(desired, kModels);
  for (const Verdict& verdict : plan(desired, kCores, kModels, joined, {})) {
    EXPECT_EQ(verdict.phase, TaskPhase::Serving);
    EXPECT_EQ(verdict.afetUs, (std::vector<DurationUs>{1010, 2010}));
  }
  EXPECT_EQ(nextToMeasure(desired, kModels, joined), std::nullopt);
  EXPECT_EQ(nextToMeasure(desired, kModels, {}), "sha256:a");
}

/// How many of so many equal tasks are let in.
std::size_t servedOf(std::size_t count, DurationUs periodUs, bool joining) {
  std::vector<DesiredTask> tasks;
  for (std::size_t i = 0; i < count; ++i) {
    tasks.push_back(highTask(std::to_string(i), periodUs));
    tasks.back().stageAfetUs = {1010, 2010};
  }
  const DesiredState desired = desiredOf(std::move(tasks), joining);
  const auto verdicts = plan(desired, kCores, kModels, joinedClasses(desired, kModels), {});
  return static_cast<std::size_t>(
      std::ranges::count(verdicts, TaskPhase::Serving, [](const Verdict& each) { return each.phase; }));
}

TEST(JoinedPlan, HighTasksAreBookedAsTheyCountTogether) {
  // M(1) = 3020, M(4) = 3080; u = M(n*) / (n* * 20000) against 0.75 of one stream.
  EXPECT_EQ(servedOf(30, 20'000, false), 4U);
  EXPECT_EQ(servedOf(30, 20'000, true), 19U) << "770 of 20000 each";
  EXPECT_EQ(servedOf(3, 20'000, true), 3U);
}

TEST(JoinedPlan, NStarIsWhatTheDeadlinesBear) {
  // 2 * M(2) = 6080 and 2 * M(4) = 6160 against the deadline.
  EXPECT_EQ(servedOf(30, 6100, true), 3U) << "n* = 2: 1520 of 6100 each";
  EXPECT_EQ(servedOf(30, 6000, true), 1U) << "n* = 1: 3020 of 6000 each";
}

TEST(JoinedPlan, WhatRunsStaysWhenOthersLeaveAndFewerGoTogether) {
  DesiredState desired =
      desiredOf({highTask("a", 7000), highTask("b", 7000), highTask("c", 7000), highTask("d", 7000)});
  desired.policy.highPriorityUtilizationLimit = 0.5;
  const auto planned = [&](const std::set<std::string, std::less<>>& incumbents) {
    const JoinedClasses joined = joinedClasses(desired, kModels);
    return plan(desired, kCores, kModels, joined, incumbents);
  };
  const std::set<std::string, std::less<>> all{"uid-a", "uid-b", "uid-c", "uid-d"};
  for (const Verdict& verdict : planned({})) EXPECT_EQ(verdict.phase, TaskPhase::Serving) << verdict.message;
  desired.tasks.pop_back();  // three go by two, 0.217 each instead of 0.11
  for (const Verdict& verdict : planned(all)) EXPECT_EQ(verdict.phase, TaskPhase::Serving) << verdict.message;
  EXPECT_EQ(planned({"uid-a", "uid-b"})[2].reason, "Overcommitted") << "who comes is held against what is";
}

TEST(JoinedPlan, APolicyThatGrantsTooLittleDrivesOutWhatRuns) {
  DesiredState desired =
      desiredOf({highTask("a", 7000), highTask("b", 7000), highTask("c", 7000), highTask("d", 7000)});
  desired.policy.highPriorityUtilizationLimit = 0.25;
  const auto verdicts =
      plan(desired, kCores, kModels, joinedClasses(desired, kModels), {"uid-a", "uid-b", "uid-c", "uid-d"});
  EXPECT_EQ(verdicts[1].phase, TaskPhase::Serving);
  EXPECT_EQ(verdicts[2].reason, "Overcommitted");
}

}  // namespace
}  // namespace daris::runtime
