// What the journal makes of the trace, and that it does not pass over what it could not read.
#include "gpu/journal.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "gpu/figures.hpp"

namespace daris::bench {
namespace {

trace::Record record_of(trace::Kind kind, std::uint64_t task, TimeUs now) {
  trace::Record record;
  record.kind = kind;
  record.task = task;
  record.nowUs = now;
  return record;
}

void release(trace::Ring& ring, std::uint64_t task, TimeUs nominal, trace::Kind answer) {
  trace::Record record = record_of(trace::Kind::Release, task, nominal + 3);
  record.release = {.nominalUs = nominal, .token = 0, .numbered = true};
  ring.write(record);
  ring.write(record_of(answer, task, nominal + 3));
}

void finish(trace::Ring& ring, std::uint64_t task, TimeUs now, DurationUs response, bool missed) {
  trace::Record record = record_of(trace::Kind::Finish, task, now);
  record.finish = {};
  record.finish.responseUs = response;
  record.finish.missed = missed;
  record.finish.cause = missed ? sched::MissCause::Queued : sched::MissCause::None;
  record.finish.end = sched::End::Completed;
  ring.write(record);
}

const std::vector<GroupPlan> kGroups{{.class_index = 0, .priority = sched::Priority::High},
                                     {.class_index = 0, .priority = sched::Priority::Low}};

TEST(JournalTest, FiguresAreOfWhatWasReleasedInTheWindow) {
  trace::Ring ring(1024);
  Journal journal(ring, {0, 1}, 100);
  release(ring, 0, 900, trace::Kind::Admit);  // before the window, ends in it
  finish(ring, 0, 1100, 200, false);
  release(ring, 0, 1500, trace::Kind::Admit);
  release(ring, 1, 1600, trace::Kind::Reject);
  ring.write(record_of(trace::Kind::Migrate, 1, 1700));
  release(ring, 1, 1700, trace::Kind::Admit);
  release(ring, 0, 1800, trace::Kind::Skip);
  finish(ring, 0, 1900, 400, false);
  finish(ring, 1, 2600, 900, true);  // ends after it
  const Samples samples = journal.finish();

  const std::array<std::uint32_t, 2> batches{8, 8};
  const auto figures = window_figures(samples, kGroups, batches, {"w", 1000, 2000});
  const double seconds = figures.at("seconds");
  EXPECT_EQ(figures.at("jobsPerS"), std::round(2 / seconds));
  EXPECT_EQ(figures.at("elementsPerS"), std::round(16 / seconds));
  EXPECT_EQ(figures.at("high").at("released"), 2);
  EXPECT_EQ(figures.at("high").at("skipped"), 1);
  EXPECT_EQ(figures.at("high").at("responseUs").at("max"), 400);
  EXPECT_EQ(figures.at("low").at("released"), 2);
  EXPECT_EQ(figures.at("low").at("rejected"), 1);
  EXPECT_EQ(figures.at("low").at("missRate"), 1.0);
  EXPECT_EQ(figures.at("low").at("onTimeRate"), 0.0);
  EXPECT_EQ(figures.at("low").at("missCauses").at("Queued"), 1);
  EXPECT_EQ(figures.at("low").at("migratedUs").at("p50"), 900);
}

void dispatch(trace::Ring& ring, std::uint64_t task, std::uint32_t stage, std::uint16_t jobs) {
  trace::Record record = record_of(trace::Kind::Dispatch, task, 1000);
  record.stage = stage;
  record.dispatch = {.virtualDeadlineUs = 0, .jobs = jobs, .capacity = 4, .level = 0};
  ring.write(record);
}

TEST(JournalTest, AJobIsToldWithWhatItWentWith) {
  trace::Ring ring(1024);
  Journal journal(ring, {0, 1, 1}, 100);
  for (const std::uint64_t task : {0, 1, 2}) release(ring, task, 1000, trace::Kind::Admit);
  for (const std::uint64_t task : {0, 1, 2}) dispatch(ring, task, 0, 3);
  for (const std::uint64_t task : {0, 1, 2}) finish(ring, task, 1400, 400, false);
  release(ring, 1, 1500, trace::Kind::Admit);
  dispatch(ring, 1, 0, 1);
  finish(ring, 1, 1700, 200, false);
  release(ring, 2, 1800, trace::Kind::Admit);
  finish(ring, 2, 1900, 100, false);  // dropped before its first stage: it went with nobody
  const Samples samples = journal.finish();
  const std::array<std::uint32_t, 2> batches{1, 1};
  const auto figures = window_figures(samples, kGroups, batches, {"w", 1000, 2000});
  EXPECT_EQ(figures.at("high").at("unitJobs"), 3.0);
  EXPECT_EQ(figures.at("low").at("unitJobs"), 2.0);
}

TEST(JournalTest, MoreReleasesThanForeseenAreNoResult) {
  trace::Ring ring(1024);
  Journal journal(ring, {0}, 2);
  for (TimeUs at = 0; at < 3; ++at) release(ring, 0, at, trace::Kind::Skip);
  EXPECT_THROW((void)journal.finish(), std::runtime_error);
}

TEST(SpreadTest, IsByNearestRank) {
  std::vector<std::int64_t> values;
  for (std::int64_t i = 1; i <= 200; ++i) values.push_back(i);
  const auto figures = spread(values);
  EXPECT_EQ(figures.at("p50"), 100);
  EXPECT_EQ(figures.at("p99"), 198);
  EXPECT_EQ(figures.at("max"), 200);
  EXPECT_TRUE(spread({}).is_null());
}

}  // namespace
}  // namespace daris::bench
