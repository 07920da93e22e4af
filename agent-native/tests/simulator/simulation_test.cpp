// Traces that were worked out by hand from the rules, line by line; determinism; the figures of summaries.
#include "simulator/simulation.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "scenario_text.hpp"

namespace daris::simulator {
namespace {

struct Played {
  std::string trace;
  std::string summary;
  RunResult result;
};

Played run(std::string_view text) {
  const Scenario scenario = parseScenario(text);
  std::ostringstream out;
  Trace trace(scenario, &out);
  Played done;
  done.result = simulate(scenario, trace);
  done.trace = out.str();
  done.summary = summaryOf(scenario, done.result);
  return done;
}

std::string linesOf(const std::string& trace, std::string_view event) {
  std::istringstream in(trace);
  std::string line, out;
  while (std::getline(in, line))
    if (line.find("\"e\":\"" + std::string(event) + "\"") != std::string::npos) out += line + "\n";
  return out;
}

TEST(Simulation, TwoContextsByHand) {
  // a: u 0.6, b: 0.5, big: 0.9 are put in context 0; h (0.2) finds 1 empty. b does not fit beside a and moves
  // to 1, where it would end at 10 + 200 (h, running, counted whole) + 500. big fits nowhere. h's second
  // stage goes before b's first. In the second period b is at home in 1; its first stage (share 250 of 550)
  // ends late, so that its last stage has level 4.
  EXPECT_EQ(run(kTwoContexts).trace,
            R"({"t":0,"e":"assign","task":"a","gpu":"gpu0","context":0,"util":0.6,"total":0.6}
{"t":0,"e":"assign","task":"b","gpu":"gpu0","context":0,"util":0.5,"total":1.1}
{"t":0,"e":"assign","task":"big","gpu":"gpu0","context":0,"util":0.9,"total":2}
{"t":0,"e":"assign","task":"h","gpu":"gpu0","context":1,"util":0.2,"total":0.2}
{"t":0,"e":"release","task":"h","job":0}
{"t":0,"e":"admit","task":"h","job":0,"context":1,"util":0.2}
{"t":0,"e":"release","task":"a","job":0}
{"t":0,"e":"admit","task":"a","job":0,"context":0,"active":0,"util":0.6,"remaining":1}
{"t":0,"e":"dispatch","task":"a","job":0,"stage":0,"gpu":"gpu0","context":0,"stream":0,"level":7,"deadline":500}
{"t":0,"e":"dispatch","task":"h","job":0,"stage":0,"gpu":"gpu0","context":1,"stream":0,"level":3,"deadline":500}
{"t":10,"e":"release","task":"b","job":0}
{"t":10,"e":"migrate","task":"b","job":0,"from":0,"to":1,"predicted":710}
{"t":10,"e":"admit","task":"b","job":0,"context":1,"active":0,"util":0.5,"remaining":0.8}
{"t":20,"e":"release","task":"big","job":0}
{"t":20,"e":"reject","task":"big","job":0,"tested":[{"context":0,"active":0.6,"remaining":1},{"context":1,"active":0.5,"remaining":0.8}],"util":0.9}
{"t":100,"e":"complete","task":"h","job":0,"stage":0,"exec":100,"missed":false,"mret":100}
{"t":100,"e":"dispatch","task":"h","job":0,"stage":1,"gpu":"gpu0","context":1,"stream":0,"level":1,"deadline":1000}
{"t":250,"e":"complete","task":"h","job":0,"stage":1,"exec":150,"missed":false,"mret":150}
{"t":250,"e":"finish","task":"h","job":0,"response":250,"missed":false}
{"t":250,"e":"dispatch","task":"b","job":0,"stage":0,"gpu":"gpu0","context":1,"stream":0,"level":7,"deadline":610}
{"t":300,"e":"complete","task":"a","job":0,"stage":0,"exec":300,"missed":false,"mret":300}
{"t":300,"e":"dispatch","task":"a","job":0,"stage":1,"gpu":"gpu0","context":0,"stream":0,"level":5,"deadline":1000}
{"t":500,"e":"complete","task":"b","job":0,"stage":0,"exec":250,"missed":false,"mret":250}
{"t":500,"e":"dispatch","task":"b","job":0,"stage":1,"gpu":"gpu0","context":1,"stream":0,"level":5,"deadline":1010}
{"t":600,"e":"complete","task":"a","job":0,"stage":1,"exec":300,"missed":false,"mret":300}
{"t":600,"e":"finish","task":"a","job":0,"response":600,"missed":false}
{"t":800,"e":"complete","task":"b","job":0,"stage":1,"exec":300,"missed":false,"mret":300}
{"t":800,"e":"finish","task":"b","job":0,"response":790,"missed":false}
{"t":1000,"e":"release","task":"h","job":1}
{"t":1000,"e":"admit","task":"h","job":1,"context":1,"util":0.25}
{"t":1000,"e":"release","task":"a","job":1}
{"t":1000,"e":"admit","task":"a","job":1,"context":0,"active":0,"util":0.6,"remaining":1}
{"t":1000,"e":"dispatch","task":"a","job":1,"stage":0,"gpu":"gpu0","context":0,"stream":0,"level":7,"deadline":1500}
{"t":1000,"e":"dispatch","task":"h","job":1,"stage":0,"gpu":"gpu0","context":1,"stream":0,"level":3,"deadline":1400}
{"t":1010,"e":"release","task":"b","job":1}
{"t":1010,"e":"admit","task":"b","job":1,"context":1,"active":0,"util":0.55,"remaining":0.75}
{"t":1100,"e":"complete","task":"h","job":1,"stage":0,"exec":100,"missed":false,"mret":100}
{"t":1100,"e":"dispatch","task":"h","job":1,"stage":1,"gpu":"gpu0","context":1,"stream":0,"level":1,"deadline":2000}
{"t":1250,"e":"complete","task":"h","job":1,"stage":1,"exec":150,"missed":false,"mret":150}
{"t":1250,"e":"finish","task":"h","job":1,"response":250,"missed":false}
{"t":1250,"e":"dispatch","task":"b","job":1,"stage":0,"gpu":"gpu0","context":1,"stream":0,"level":7,"deadline":1464}
{"t":1300,"e":"complete","task":"a","job":1,"stage":0,"exec":300,"missed":false,"mret":300}
{"t":1300,"e":"dispatch","task":"a","job":1,"stage":1,"gpu":"gpu0","context":0,"stream":0,"level":5,"deadline":2000}
{"t":1500,"e":"complete","task":"b","job":1,"stage":0,"exec":250,"missed":true,"mret":250}
{"t":1500,"e":"dispatch","task":"b","job":1,"stage":1,"gpu":"gpu0","context":1,"stream":0,"level":4,"deadline":2010}
{"t":1600,"e":"complete","task":"a","job":1,"stage":1,"exec":300,"missed":false,"mret":300}
{"t":1600,"e":"finish","task":"a","job":1,"response":600,"missed":false}
{"t":1800,"e":"complete","task":"b","job":1,"stage":1,"exec":300,"missed":false,"mret":300}
{"t":1800,"e":"finish","task":"b","job":1,"response":790,"missed":false}
)");
}

TEST(Simulation, SkipDropAndRejectByHand) {
  const Played done = run(kTooSlow);
  EXPECT_EQ(done.trace,
            R"({"t":0,"e":"assign","task":"x","gpu":"gpu0","context":0,"util":0.6,"total":0.6}
{"t":0,"e":"release","task":"x","job":0}
{"t":0,"e":"admit","task":"x","job":0,"context":0,"active":0,"util":0.6,"remaining":1}
{"t":0,"e":"dispatch","task":"x","job":0,"stage":0,"gpu":"gpu0","context":0,"stream":0,"level":7,"deadline":33}
{"t":60,"e":"complete","task":"x","job":0,"stage":0,"exec":60,"missed":true,"mret":60}
{"t":60,"e":"dispatch","task":"x","job":0,"stage":1,"gpu":"gpu0","context":0,"stream":0,"level":6,"deadline":66}
{"t":100,"e":"release","task":"x","job":1}
{"t":100,"e":"skip","task":"x","job":1}
{"t":120,"e":"complete","task":"x","job":0,"stage":1,"exec":60,"missed":true,"mret":60}
{"t":120,"e":"drop","task":"x","job":0,"stage":2}
{"t":200,"e":"release","task":"x","job":2}
{"t":200,"e":"reject","task":"x","job":2,"tested":[{"context":0,"active":0,"remaining":1}],"util":1.4}
)");
  EXPECT_EQ(done.summary, R"({
"tasks":[
{"name":"x","released":3,"skipped":1,"rejected":1,"admitted":1,"completed":0,"missed":1,"dropped":1,"dmr":1,"responseUs":{"p50":null,"p99":null,"p999":null,"max":null,"mean":null},"migrations":0,"onTimeRate":0}],
"priorities":{
"High":{"released":0,"skipped":0,"rejected":0,"admitted":0,"completed":0,"missed":0,"dropped":0,"dmr":0,"responseUs":{"p50":null,"p99":null,"p999":null,"max":null,"mean":null},"migrations":0,"onTimeRate":0},
"Low":{"released":3,"skipped":1,"rejected":1,"admitted":1,"completed":0,"missed":1,"dropped":1,"dmr":1,"responseUs":{"p50":null,"p99":null,"p999":null,"max":null,"mean":null},"migrations":0,"onTimeRate":0}},
"gpus":[
{"name":"gpu0","utilization":0.5970149253731343,"throughput":0}],
"events":12
}
)");
}

TEST(Simulation, AgeingLetsARejectedTaskTryAgain) {
  const std::string text = with(with(kTooSlow, "\"mretAging\": false", "\"mretAging\": true"), "201", "501");
  const std::string windows = with(text, "\"mretWindow\": 5", "\"mretWindow\": 2");
  // 1.4 is refused at 200 and 300; then the two measured 60 are dropped and AFET's 0.6 is admitted at 400.
  EXPECT_EQ(linesOf(run(windows).trace, "admit"),
            R"({"t":0,"e":"admit","task":"x","job":0,"context":0,"active":0,"util":0.6,"remaining":1}
{"t":400,"e":"admit","task":"x","job":4,"context":0,"active":0,"util":0.6,"remaining":1}
)");
}

TEST(Simulation, NoStagingDispatchesTheWholeRowAsOneStage) {
  EXPECT_EQ(linesOf(run(with(kTooSlow, "\"staging\": true", "\"staging\": false")).trace, "complete"),
            R"({"t":180,"e":"complete","task":"x","job":0,"stage":0,"exec":180,"missed":true,"mret":180}
)");
}

TEST(Simulation, PredictedRefusesWhatItsContextCannotFinish) {
  // The one that runs leaves 600; under Utilization b would go to context 1, under Predicted its 710 is too
  // late for 700.
  const std::string tight =
      with(kTwoContexts, R"("name": "b", "priority": "Low", "periodUs": 1000, "deadlineUs": 1000)",
           R"("name": "b", "priority": "Low", "periodUs": 1000, "deadlineUs": 690)");
  EXPECT_NE(linesOf(run(tight).trace, "migrate"), "");
  const std::string predicted =
      with(tight, "\"mretWindow\": 5", "\"mretWindow\": 5, \"admission\": \"Predicted\"");
  EXPECT_EQ(linesOf(run(predicted).trace, "migrate"), "");
}

TEST(Simulation, RowsOfExecutionTimesAreUsedCyclicallyByAdmittedJobs) {
  const std::string rows =
      with(with(kTwoContexts, "[[100, 150]]", "[[100, 150], [90, 140], [80, 130]]"), "2000", "4001");
  std::vector<std::string> execs;
  std::istringstream in(linesOf(run(rows).trace, "complete"));
  std::string line;
  while (std::getline(in, line))
    if (line.find("\"h\"") != std::string::npos && line.find("\"stage\":0") != std::string::npos)
      execs.push_back(line.substr(line.find("\"exec\":") + 7, 3));
  EXPECT_EQ(execs, (std::vector<std::string>{"100", "90,", "80,", "100"}));
}

TEST(Simulation, EventsAtTheEndHappenAndNoneAfterIt) {
  const std::string trace = run(with(kTwoContexts, "2000", "100")).trace;
  EXPECT_NE(trace.find("\"t\":100,\"e\":\"dispatch\",\"task\":\"h\""), std::string::npos);
  EXPECT_EQ(trace.find("\"t\":250"), std::string::npos);
  EXPECT_EQ(linesOf(run(with(kTwoContexts, "2000", "1000")).trace, "release").find("\"t\":1000"),
            std::string::npos)
      << "a release at the end does not happen";
}

TEST(Simulation, AMissCountsThoughTheJobHangsAtTheEnd) {
  const std::string hanging = with(with(kTooSlow, "[[60, 60, 60]]", "[[900, 60, 60]]"), "201", "101");
  const Played done = run(hanging);
  EXPECT_EQ(done.result.tasks[0].counters.missed, 1u);
  EXPECT_EQ(done.result.tasks[0].counters.completed, 0u);
  EXPECT_EQ(static_cast<std::int64_t>(done.result.gpus[0].busyUs), 101) << "only what lies within the run";
}

TEST(Simulation, TheSameScenarioGivesTheSameBytes) {
  const Played first = run(with(kTwoContexts, "2000", "200000"));
  const Played second = run(with(kTwoContexts, "2000", "200000"));
  EXPECT_EQ(first.trace, second.trace);
  EXPECT_EQ(first.summary, second.summary);
}

TEST(Simulation, EventsAreTheLinesOfTheTraceWrittenOrNot) {
  const Scenario scenario = parseScenario(kTwoContexts);
  Trace silent(scenario, nullptr);
  const std::string trace = run(kTwoContexts).trace;
  EXPECT_EQ(simulate(scenario, silent).events,
            static_cast<std::uint64_t>(std::count(trace.begin(), trace.end(), '\n')));
}

TEST(Simulation, NoTasksIsAnEmptyRun) {
  std::string none(kTwoContexts);
  const auto from = none.find("\"tasks\": [") + 10;
  none.erase(from, none.find("],\n  \"interference\"") - from);
  EXPECT_EQ(run(none).trace, "");
}

TEST(Simulation, HugeTimesAreExact) {
  // u = 2^53 * 10^9 billionths; two stages of a task that never fits, released once.
  const std::string huge =
      with(with(kTooSlow, "[20, 20, 20]", "[9007199254740992, 1, 1]"), "201", "9007199254740992");
  const std::string once =
      with(with(huge, "\"periodUs\": 100", "\"periodUs\": 9007199254740992"), "60, 60, 60", "1, 1, 1");
  EXPECT_NE(run(once).trace.find("\"util\":90071992547409.94,"), std::string::npos) << run(once).trace;
}

}  // namespace
}  // namespace daris::simulator
