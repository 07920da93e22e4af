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

/// Two jobs that go together, beside one of 100 us that does not: demands of a unit are its capacity's own.
constexpr std::string_view kJoined = R"({
  "version": 1, "durationUs": 400, "seed": 1,
  "gpus": [{ "name": "g", "smCount": 68, "contexts": 1, "streamsPerContext": 2, "oversubscription": 1 }],
  "scheduler": { "mretWindow": 5, "highPriorityAdmission": false, "staging": true,
                 "lastStageBoost": true, "missBoost": true, "fixedPriorities": true },
  "joining": { "enabled": true, "capacities": [1, 2],
               "classes": [{ "name": "r", "afetUs": [[120]], "execUs": [[[120]]],
                             "demand": [{ "smPpm": 800000, "memoryPpm": 100000 }] }] },
  "tasks": [
    { "name": "a", "class": "r", "priority": "Low", "periodUs": 1000, "deadlineUs": 1000, "phaseUs": 0,
      "demand": { "smPpm": 0, "memoryPpm": 0 }, "afetUs": [90], "execUs": [[90]] },
    { "name": "b", "class": "r", "priority": "Low", "periodUs": 1000, "deadlineUs": 1000, "phaseUs": 0,
      "demand": { "smPpm": 0, "memoryPpm": 0 }, "afetUs": [90], "execUs": [[90]] },
    { "name": "c", "priority": "High", "periodUs": 1000, "deadlineUs": 1000, "phaseUs": 0,
      "demand": { "smPpm": 500000, "memoryPpm": 100000 }, "afetUs": [100], "execUs": [[100]] }
  ],
  "interference": { "model": "calibrated" }
})";

TEST(Interference, AUnitDemandsWhatItsCapacityDoes) {
  // c beside the unit takes 1 + 0.1 + 0.8 times as long, the unit 1 + 0.1 + 0.5: at 190 it has done 118.75 of
  // 120.
  const Played played = run(kJoined);
  EXPECT_NE(played.trace.find(completion(190, "c", 190)), std::string::npos) << played.trace;
  EXPECT_NE(played.trace.find(completion(192, "a", 192)), std::string::npos) << played.trace;
  EXPECT_NE(played.trace.find(completion(192, "b", 192)), std::string::npos) << played.trace;
}

TEST(Interference, AJobAloneOfAClassDemandsWhatItsTaskDoes) {
  const std::string later = with(
      kJoined,
      R"("name": "b", "class": "r", "priority": "Low", "periodUs": 1000, "deadlineUs": 1000, "phaseUs": 0)",
      R"("name": "b", "class": "r", "priority": "Low", "periodUs": 1000, "deadlineUs": 1000, "phaseUs": 399)");
  // c takes nothing from a's nought, a is slowed down by what c takes: 1.6 times.
  const Played played = run(later);
  EXPECT_NE(played.trace.find(completion(100, "c", 100)), std::string::npos) << played.trace;
  EXPECT_NE(played.trace.find(completion(128, "a", 128)), std::string::npos) << played.trace;
}

std::string errorOf(const std::string& text) {
  try {
    parseScenario(text);
  } catch (const ScenarioError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Interference, ClassesSayWhatTheirUnitsDemandWhereTasksDo) {
  const std::string demand = R"(,
                             "demand": [{ "smPpm": 800000, "memoryPpm": 100000 }])";
  EXPECT_EQ(errorOf(with(kJoined, demand, "")),
            "joining.classes[0].demand: is missing, with interference.model \"calibrated\"");
  EXPECT_EQ(errorOf(with(kJoined, "\"calibrated\"", "\"none\"")),
            "joining.classes[0].demand: needs interference.model \"calibrated\"");
  EXPECT_EQ(errorOf(with(kJoined, demand, R"(, "demand": [])")),
            "joining.classes[0].demand: must be an array of 1, one for each capacity after the first");
  EXPECT_EQ(errorOf(with(kJoined, R"("smPpm": 800000)", R"("smPpm": -1)")),
            "joining.classes[0].demand[0].smPpm: must be an integer from 0 to 1000000");
}

}  // namespace
}  // namespace daris::simulator
