// The Chrome trace: valid JSON, times that grow, slices that never overlap on a track.
#include "trace/chrome.hpp"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "trace/export.hpp"
#include "trace/traffic.hpp"

namespace daris::trace {
namespace {

using nlohmann::json;

json chromeOf(const Extract& extract, const Labels& labels) {
  Export trace(extract, labels, {"instance-1", "0.1.0", 5'000'000, 7}, Format::Chrome);
  std::string text, piece;
  while (trace.next(piece, 1000)) text += piece;
  return json::parse(text);
}

/// Counts of events by phase and name; slices and counters by the first word of their name.
struct Seen {
  std::map<std::string, int> instants;
  int stages = 0, jobs = 0, counters = 0, goingOn = 0;
};

/// Checks what must hold for every trace.
Seen check(const json& trace) {
  Seen seen;
  std::map<std::pair<int, int>, bool> open;
  std::map<std::pair<int, int>, bool> named;
  std::int64_t last = 0;
  for (const json& event : trace.at("traceEvents")) {
    const std::string phase = event.at("ph");
    const std::pair<int, int> track{event.at("pid"), event.at("tid")};
    const std::int64_t ts = event.at("ts");
    EXPECT_GE(ts, last) << event;
    last = ts;
    if (phase == "M") named[track] = true;
    EXPECT_TRUE(named[track] || phase == "M" || phase == "C") << event;
    if (phase == "B") {
      EXPECT_FALSE(open[track]) << "two slices at once: " << event;
      open[track] = true;
      (event.at("pid") == 1 ? seen.jobs : seen.stages)++;
    } else if (phase == "E") {
      EXPECT_TRUE(open[track]) << "an end without a begin: " << event;
      open[track] = false;
      seen.goingOn += event.at("args").contains("goesOn");
    } else if (phase == "i") {
      ++seen.instants[event.at("name")];
    } else if (phase == "C") {
      EXPECT_GE(event.at("args").at("jobs").get<int>(), 0) << event;
      ++seen.counters;
    }
  }
  for (const auto& [track, isOpen] : open) EXPECT_FALSE(isOpen) << track.first << "/" << track.second;
  return seen;
}

TEST(Chrome, AWholeRunShowsStagesJobsInstantsAndCounters) {
  Ring ring(1 << 16);
  test::Traffic traffic(ring);
  traffic.run(100'000);
  traffic.change();
  traffic.run(100'000);
  const json trace = chromeOf(ring.readFrom(0), traffic.labels());
  const Seen seen = check(trace);
  EXPECT_GT(seen.stages, 1000);
  EXPECT_GT(seen.jobs, 300);
  EXPECT_GT(seen.counters, 300);
  for (const char* name : {"release", "request", "reject", "skip", "early", "waiting", "migrate", "miss",
                           "add", "change", "remove"})
    EXPECT_GT(seen.instants.find(name) == seen.instants.end() ? 0 : seen.instants.at(name), 0) << name;
  EXPECT_EQ(trace.at("otherData").at("firstRecord"), 0);
  EXPECT_EQ(trace.at("otherData").at("instance"), "instance-1");
}

TEST(Chrome, AnyPartOfARunIsValid) {
  Ring ring(1 << 16);
  test::Traffic traffic(ring);
  traffic.run(20'000);
  const Extract all = ring.readFrom(0);
  ASSERT_GT(all.records.size(), 500U);
  for (std::size_t first = 0; first < 60; ++first) {
    Extract part{first,
                 0,
                 {all.records.begin() + static_cast<long>(first),
                  all.records.end() - 150 + static_cast<long>(first % 100)}};
    check(chromeOf(part, traffic.labels()));
    if (testing::Test::HasFailure()) FAIL() << "from record " << first;
  }
}

TEST(Chrome, AnOverwrittenRingSaysWhatIsMissing) {
  Ring ring(1 << 10);
  test::Traffic traffic(ring);
  traffic.run(100'000);
  Extract extract = ring.readFrom(0);
  const json trace = chromeOf(extract, traffic.labels());
  const Seen seen = check(trace);
  EXPECT_GT(seen.stages, 50);
  EXPECT_EQ(trace.at("otherData").at("firstRecord"), ring.written() - 1024);
  EXPECT_EQ(trace.at("otherData").at("overwrittenRecords"), ring.written() - 1024);
  EXPECT_EQ(trace.at("otherData").at("records"), 1024);
}

TEST(Chrome, AStageThatStillRunsEndsWithTheTrace) {
  Ring ring(64);
  auto scheduler = RecordedScheduler::create({{{1, 1, 1, 1}}, {}}, ring, 0);
  sched::TaskSpec spec;
  spec.periodUs = spec.deadlineUs = 1000;
  spec.afetUs = {100};
  spec.order = 4;
  const auto added = scheduler->addTask(spec, 1);
  ASSERT_TRUE(scheduler->release(added->task, {0, 2}, 3).ok());
  ASSERT_TRUE(scheduler->next({0, 0}, 5).ok());
  const json trace = chromeOf(ring.readFrom(0), {{4, "default/\"quoted\""}});
  const Seen seen = check(trace);
  EXPECT_EQ(seen.stages, 1);
  EXPECT_EQ(seen.jobs, 1);
  EXPECT_EQ(seen.goingOn, 2);
  EXPECT_NE(trace.dump().find("default/\\\"quoted\\\"/0"), std::string::npos);
}

TEST(Chrome, NothingRecordedIsAnEmptyTrace) {
  EXPECT_EQ(chromeOf({}, {}).at("traceEvents").size(), 1U);
}

}  // namespace
}  // namespace daris::trace
