// What gpu-bench takes for a plan, and how it refuses what is none.
#include "gpu/plan.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace daris::bench {
namespace {

using nlohmann::json;

json plan_with(const json& run) {
  return {{"engine", {{"kind", "sim"}}},
          {"beds",
           {{{"name", "b"},
             {"partition", {{"mode", "GreenContexts"}, {"contexts", 4}, {"streams", 2}}},
             {"classes", {{{"package", "/p"}, {"batch", 32}}}},
             {"runs", {run}}}}}};
}

json load_of(const json& group) {
  return {{"kind", "load"}, {"groups", {group}}};
}

std::string refusal_of(const json& document) {
  try {
    (void)parse_plan(document);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

TEST(PlanTest, TellsPartitioningClassesAndRuns) {
  const Plan plan = parse_plan(
      plan_with(load_of({{"priority", "High"}, {"timesBare", 0.5}, {"periodUs", 33333}, {"context", 1}})));
  EXPECT_EQ(plan.engine.kind, "sim");
  const BedPlan& bed = plan.beds.at(0);
  EXPECT_EQ(bed.partition.mode, engine::PartitionMode::GreenContexts);
  EXPECT_EQ(bed.partition.contexts, 4U);
  EXPECT_EQ(bed.partition.streams_per_context, 2U);
  EXPECT_EQ(bed.classes.at(0).batch, 32U);
  const auto& load = std::get<LoadPlan>(bed.runs.at(0).work);
  EXPECT_EQ(load.groups.at(0).priority, sched::Priority::High);
  EXPECT_EQ(load.groups.at(0).times_bare, 0.5);
  EXPECT_EQ(load.groups.at(0).context, 1U);
  EXPECT_FALSE(load.groups.at(0).tasks.has_value());
}

TEST(PlanTest, EachModeHasAWord) {
  for (const char* word : {"Streams", "GreenContexts", "MPS", "MPSStreams"}) {
    json document = plan_with({{"kind", "bare"}});
    document["beds"][0]["partition"]["mode"] = word;
    EXPECT_STREQ(word_of(parse_plan(document).beds.at(0).partition.mode), word);
  }
}

json joined_plan(const json& run) {
  json document = plan_with(run);
  document["beds"][0]["classes"][0]["capacities"] = {1, 2, 8};
  return document;
}

json queued_by(const json& rule) {
  json run{{"kind", "queued"}, {"groups", {{{"priority", "Low"}, {"rate", 10}, {"periodUs", 100}}}}};
  run.update(rule);
  return run;
}

TEST(PlanTest, TellsHowManyJobsMayGoTogether) {
  json run = load_of({{"priority", "High"}, {"rate", 9}, {"periodUs", 33333}});
  run["joining"] = true;
  const BedPlan bed = parse_plan(joined_plan(run)).beds.at(0);
  EXPECT_EQ(bed.classes.at(0).capacities, (std::vector<std::uint32_t>{1, 2, 8}));
  EXPECT_TRUE(std::get<LoadPlan>(bed.runs.at(0).work).joining);
}

TEST(PlanTest, TellsRulesOfQueues) {
  const json triton{
      {"rule", "Triton"}, {"maxBatchSize", 8}, {"preferredBatchSize", {8, 4}}, {"maxQueueDelayUs", 500}};
  const BedPlan bed = parse_plan(joined_plan(queued_by(triton))).beds.at(0);
  const auto& terms = *std::get<QueuedPlan>(bed.runs.at(0).work).triton;
  EXPECT_EQ(terms.preferred_batch_size, (std::set<std::uint32_t>{4, 8}));
  EXPECT_EQ(terms.max_queue_delay_us, 500);
  const BedPlan free = parse_plan(joined_plan(queued_by({{"rule", "FreeLane"}}))).beds.at(0);
  EXPECT_FALSE(std::get<QueuedPlan>(free.runs.at(0).work).triton.has_value());
}

TEST(PlanTest, WhatCannotJoinIsNamed) {
  json unordered = joined_plan({{"kind", "bare"}});
  unordered["beds"][0]["classes"][0]["capacities"] = {2, 4};
  EXPECT_NE(refusal_of(unordered).find("do not ascend from 1"), std::string::npos);
  EXPECT_NE(refusal_of(joined_plan({{"kind", "bare"}, {"capacity", 4}})).find("no capacity 4"),
            std::string::npos);
  EXPECT_NE(refusal_of(joined_plan(queued_by({{"rule", "Lottery"}}))).find("'Lottery'"), std::string::npos);
  EXPECT_NE(
      refusal_of(joined_plan(queued_by({{"rule", "Triton"}, {"maxBatchSize", 16}}))).find("maxBatchSize"),
      std::string::npos);
  json run = load_of({{"priority", "High"}, {"rate", 9}, {"periodUs", 33333}});
  run["joining"] = run["compare"] = true;
  EXPECT_NE(refusal_of(joined_plan(run)).find("compare"), std::string::npos);
}

TEST(PlanTest, WhatIsWrongIsNamed) {
  EXPECT_NE(refusal_of(plan_with({{"kind", "fast"}})).find("'fast'"), std::string::npos);
  EXPECT_NE(refusal_of(plan_with({{"kind", "bare"}, {"class", 1}})).find("no class 1"), std::string::npos);
  EXPECT_NE(refusal_of(plan_with(load_of({{"priority", "Middle"}}))).find("'Middle'"), std::string::npos);
  EXPECT_NE(refusal_of(plan_with(load_of({{"priority", "Low"}, {"tasks", 3}}))).find("two of"),
            std::string::npos);
  EXPECT_NE(refusal_of(json::object()).find("beds"), std::string::npos);
}

}  // namespace
}  // namespace daris::bench
