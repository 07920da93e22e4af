// Large scenarios, whose figures follow from a little arithmetic: the right answer, and no surprise on the
// way.
#include <gtest/gtest.h>

#include "simulator/simulation.hpp"

namespace daris::simulator {
namespace {

/// `count` tasks on one GPU, all alike: one stage of `execUs`, released together.
std::string alike(std::size_t count, const char* gpu, const char* priority, const char* times) {
  std::string text = R"({"version": 1, "seed": 1, "gpus": [{"name": "g", "smCount": 132, )" +
                     std::string(gpu) +
                     R"(}], "scheduler": {"mretWindow": 5, "highPriorityAdmission": false, "staging": true,
                     "lastStageBoost": true, "missBoost": true, "fixedPriorities": true},
                     "interference": {"model": "none"}, "tasks": [)";
  for (std::size_t i = 0; i < count; ++i)
    text += (i == 0 ? "" : ",") + (R"({"name": "t)" + std::to_string(i) + R"(", "priority": ")" + priority +
                                   R"(", "phaseUs": 0, )" + times + "}");
  return text + "], \"durationUs\": ";
}

RunResult runFor(const std::string& scenario, std::int64_t durationUs) {
  const Scenario parsed = parseScenario(scenario + std::to_string(durationUs) + "}");
  Trace trace(parsed, nullptr);
  return simulate(parsed, trace);
}

sched::Counters sum(const RunResult& result) {
  sched::Counters total;
  for (const TaskResult& task : result.tasks) {
    total.released += task.counters.released;
    total.admitted += task.counters.admitted;
    total.rejected += task.counters.rejected;
    total.completed += task.counters.completed;
    total.missed += task.counters.missed;
  }
  return total;
}

constexpr const char* kThousandContexts =
    R"("contexts": 1000, "streamsPerContext": 1, "oversubscription": 1000)";

TEST(Large, TenThousandTasksOnAThousandContexts) {
  // Ten tasks a context, each of a sixteenth: all are admitted, and the tenth ends after ten executions.
  const std::string scenario =
      alike(10000, kThousandContexts, "Low",
            R"("periodUs": 16000, "deadlineUs": 16000, "afetUs": [1000], "execUs": [[1000]])");
  const RunResult result = runFor(scenario, 160000);
  const sched::Counters total = sum(result);
  EXPECT_EQ(total.released, 100000u);
  EXPECT_EQ(total.admitted, 100000u);
  EXPECT_EQ(total.completed, 100000u);
  EXPECT_EQ(total.missed, 0u);
  // assign; release, admit, dispatch, complete and finish of each job.
  EXPECT_EQ(result.events, 10000u + 5 * 100000u);
}

TEST(Large, WhatAThousandContextsHaveNoRoomForIsRejected) {
  // Of ten tasks a context, each of 0.3, three are admitted at a time: 3 x 0.3 + 0.3 is not below 1.
  const std::string scenario =
      alike(10000, kThousandContexts, "Low",
            R"("periodUs": 1000, "deadlineUs": 1000, "afetUs": [300], "execUs": [[300]])");
  const sched::Counters total = sum(runFor(scenario, 1000));
  EXPECT_EQ(total.admitted, 3000u);
  EXPECT_EQ(total.rejected, 7000u);
  EXPECT_EQ(total.completed, 3000u);
}

TEST(Large, ADayOfASparseTask) {
  const std::string scenario =
      alike(3, R"("contexts": 1, "streamsPerContext": 1, "oversubscription": 1)", "High",
            R"("periodUs": 60000000, "deadlineUs": 60000000, "afetUs": [5], "execUs": [[20000000]])");
  const RunResult result = runFor(scenario, 86400LL * 1000000);
  // One after the other, the third ends with its deadline and thus in time.
  const sched::Counters total = sum(result);
  EXPECT_EQ(total.released, 3u * 1440);
  EXPECT_EQ(total.completed, 3u * 1440);
  EXPECT_EQ(total.missed, 0u);
  EXPECT_EQ(result.tasks[2].responses.figures().maxUs, 60000000);
  EXPECT_EQ(result.gpus[0].busyUs, 86400LL * 1000000);
}

TEST(Large, TheLongestTimesDoNotOverflow) {
  // 256 stages of 2^53 us each, of a task whose deadline is 1: nothing of it ever ends.
  std::string stages = "9007199254740992";
  for (int i = 1; i < 256; ++i) stages += ",9007199254740992";
  const std::string times = R"("periodUs": 4503599627370496, "deadlineUs": 1, "afetUs": [)" + stages +
                            R"(], "execUs": [[)" + stages + "]]";
  const char* two = R"("contexts": 2, "streamsPerContext": 1, "oversubscription": 1.5)";
  const sched::Counters high = sum(runFor(alike(5, two, "High", times.c_str()), kMaxTimeUs));
  EXPECT_EQ(high.released, 10u) << "the second release finds the first job active";
  EXPECT_EQ(high.admitted, 5u);
  EXPECT_EQ(high.completed, 0u);
  EXPECT_EQ(high.missed, 5u);
  EXPECT_EQ(sum(runFor(alike(5, two, "Low", times.c_str()), kMaxTimeUs)).rejected, 10u);
}

}  // namespace
}  // namespace daris::simulator
