// Stages that slow each other down, worked out by hand; and demands of nothing, which change nothing.
#include "simulator/interference.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "scenario_text.hpp"
#include "simulator/simulation.hpp"

namespace daris::simulator {
namespace {

/// Two tasks of one stage of 100 us, the second 50 us after the first.
constexpr std::string_view kTwoTasks = R"({
  "version": 1, "durationUs": 400, "seed": 1,
  "gpus": [{ "name": "g", "smCount": 68, "contexts": 2, "streamsPerContext": 1, "oversubscription": 2 }],
  "scheduler": { "mretWindow": 5, "highPriorityAdmission": false, "staging": true,
                 "lastStageBoost": true, "missBoost": true, "fixedPriorities": true },
  "tasks": [
    { "name": "a", "priority": "High", "periodUs": 500, "deadlineUs": 500, "phaseUs": 0,
      "demand": { "smPpm": 500000, "memoryPpm": 100000 }, "afetUs": [100], "execUs": [[100]] },
    { "name": "b", "priority": "High", "periodUs": 500, "deadlineUs": 500, "phaseUs": 50,
      "demand": { "smPpm": 500000, "memoryPpm": 100000 }, "afetUs": [100], "execUs": [[100]] }
  ],
  "interference": { "model": "calibrated" }
})";

struct Played {
  std::string trace;
  RunResult result;
};

Played run(std::string_view text) {
  const Scenario scenario = parseScenario(text);
  std::ostringstream out;
  Trace trace(scenario, &out);
  Played played;
  played.result = simulate(scenario, trace);
  played.trace = out.str();
  return played;
}

std::string completion(int at, const char* task, int execUs) {
  const std::string us = std::to_string(execUs);
  return "{\"t\":" + std::to_string(at) + ",\"e\":\"complete\",\"task\":\"" + task +
         "\",\"job\":0,\"stage\":0,\"exec\":" + us + ",\"missed\":false,\"mret\":" + us + "}\n";
}

TEST(Interference, ContextsOverAllSmsTakeHalfOfThemAndMemoryFromEachOther) {
  // Beside the other each takes 1 + 0.5 + 0.1 times as long: a's second half takes 80 us, and so does b's
  // first.
  const Played played = run(kTwoTasks);
  EXPECT_NE(played.trace.find(completion(130, "a", 130)), std::string::npos) << played.trace;
  EXPECT_NE(played.trace.find(completion(180, "b", 130)), std::string::npos) << played.trace;
  EXPECT_TRUE(played.result.gpus[0].busyUs == 260);
}

TEST(Interference, StreamsOfOneContextDoTheSame) {
  const std::string streams =
      with(kTwoTasks, R"("contexts": 2, "streamsPerContext": 1, "oversubscription": 2)",
           R"("contexts": 1, "streamsPerContext": 2, "oversubscription": 1)");
  EXPECT_NE(run(streams).trace.find(completion(180, "b", 130)), std::string::npos);
}

TEST(Interference, ContextsOfTheirOwnSmsShareOnlyMemory) {
  // 34 of 68 SMs: 1.5 times as long, beside the other 1.65. a: 75 us alone have done 50, the other 50
  // take 82.5.
  const std::string apart = with(with(kTwoTasks, R"("oversubscription": 2)", R"("oversubscription": 1)"),
                                 R"("phaseUs": 50)", R"("phaseUs": 75)");
  const Played played = run(apart);
  EXPECT_NE(played.trace.find(completion(158, "a", 158)), std::string::npos) << played.trace;
  // b has done 83 / 1.65 by then; what is left takes 74.55 us.
  EXPECT_NE(played.trace.find(completion(233, "b", 158)), std::string::npos) << played.trace;
}

TEST(Interference, WhatRunsAtTheEndOfTheRunHasBeenBusyUntilThen) {
  const Played played = run(with(kTwoTasks, R"("durationUs": 400)", R"("durationUs": 129)"));
  EXPECT_EQ(played.trace.find("complete"), std::string::npos);
  EXPECT_TRUE(played.result.gpus[0].busyUs == 129 + 79);
}

TEST(Interference, DemandsOfNothingChangeNothing) {
  std::string demanding(kTwoContexts);
  const std::string field = "\"demand\": {\"smPpm\": 0, \"memoryPpm\": 0}, \"afetUs\"";
  for (auto at = demanding.find("\"afetUs\""); at != std::string::npos;
       at = demanding.find("\"afetUs\"", at + field.size()))
    demanding.replace(at, 8, field);
  EXPECT_EQ(run(with(demanding, "\"none\"", "\"calibrated\"")).trace, run(kTwoContexts).trace);
}

TEST(Interference, TheLongestStageBesideTheMostDemandingEndsNeverAndOverflowsNothing) {
  SharedGpu gpu({.smCount = 1 << 20, .contexts = 4096, .streamsPerContext = 1, .oversubscription = 1});
  const Demand most{1'000'000, 1'000'000};
  std::vector<TimeUs> ends;
  for (std::uint32_t context = 0; context < 4096; ++context)
    gpu.start({0, {0, context}, 0, {}, 0, (std::int64_t{1} << 53) * 64}, most, 0);
  gpu.retime(0, [&](const RunningStage& run) { ends.push_back(run.atUs); });
  EXPECT_EQ(ends, std::vector<TimeUs>(4096, INT64_MAX));
}

TEST(Interference, JoinedTasksAreRefused) {
  const std::string joined =
      with(kTwoTasks, "\"tasks\": [",
           R"("joining": {"enabled": true, "capacities": [1], "classes": []}, "tasks": [)");
  try {
    parseScenario(joined);
    FAIL() << "accepted";
  } catch (const ScenarioError& error) {
    EXPECT_STREQ(error.what(), "interference.model: must be \"none\" where joining is enabled");
  }
}

}  // namespace
}  // namespace daris::simulator
