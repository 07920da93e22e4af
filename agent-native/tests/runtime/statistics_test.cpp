// Counters over the outcomes that the scheduler gives; they only grow.
#include "runtime/statistics.hpp"

#include <gtest/gtest.h>

namespace daris::runtime {
namespace {

sched::ReleaseOutcome decided(sched::Decision decision) {
  sched::ReleaseOutcome outcome;
  outcome.decision = decision;
  return outcome;
}

sched::JobEnd completed(DurationUs responseUs, DurationUs lateUs) {
  sched::JobEnd end;
  end.responseUs = responseUs;
  end.lateUs = lateUs;
  end.missed = lateUs > 0;
  end.cause = lateUs > 0 ? sched::MissCause::Queued : sched::MissCause::None;
  return end;
}

TEST(Statistics, EarlyIsNoRelease) {
  TaskStatistics statistics;
  statistics.released(decided(sched::Decision::Early), 0);
  EXPECT_EQ(statistics.jobs().early, 1U);
  EXPECT_EQ(statistics.jobs().released, 0U);
}

TEST(Statistics, EachReleaseIsCountedOnceWhateverBecomesOfIt) {
  TaskStatistics statistics;
  for (const auto decision :
       {sched::Decision::Admitted, sched::Decision::Skipped, sched::Decision::Rejected}) {
    statistics.released(decided(decision), 0);
  }
  statistics.released(decided(sched::Decision::Waiting), 0);
  statistics.waitingReleased(decided(sched::Decision::Admitted), 0);
  const JobCounters& jobs = statistics.jobs();
  EXPECT_EQ(jobs.released, 4U);
  EXPECT_EQ(jobs.released, jobs.skipped + jobs.rejected + jobs.superseded + jobs.admitted);
}

TEST(Statistics, ARejectionIsCountedByTheTestThatRefused) {
  TaskStatistics statistics;
  sched::ReleaseOutcome outcome = decided(sched::Decision::Rejected);
  outcome.rejectedBy = sched::Admission::Utilization;
  statistics.released(outcome, 0);
  outcome.rejectedBy = sched::Admission::Predicted;
  statistics.released(outcome, 0);
  statistics.waitingReleased(outcome, 0);
  EXPECT_EQ(statistics.jobs().rejected, 3U);
  EXPECT_EQ(statistics.jobs().rejectedByUtilization, 1U);
  EXPECT_EQ(statistics.jobs().rejectedByPrediction, 2U);
}

TEST(Statistics, AMissIsCountedWhenTheDeadlinePassesAndNotAgainAtTheEnd) {
  TaskStatistics statistics;
  statistics.overdue();
  EXPECT_EQ(statistics.jobs().missed, 1U);
  statistics.ended(completed(9000, 1000), true, 5, nullptr);
  EXPECT_EQ(statistics.jobs().missed, 1U);
  statistics.ended(completed(9000, 1000), false, 6, nullptr);
  EXPECT_EQ(statistics.jobs().missed, 2U);
  EXPECT_EQ(statistics.jobs().completed, 2U);
  EXPECT_EQ(statistics.jobs().onTime, 0U);
}

TEST(Statistics, KeepsTheNewestTenMisses) {
  TaskStatistics statistics;
  const auto behind = std::make_shared<const std::string>("default/other");
  for (int i = 1; i <= 13; ++i) statistics.ended(completed(100, i), false, i, behind);
  ASSERT_EQ(statistics.missCount(), 10U);
  EXPECT_EQ(statistics.miss(0).lateUs, 13);
  EXPECT_EQ(statistics.miss(9).lateUs, 4);
  EXPECT_EQ(*statistics.miss(0).behind, "default/other");
  EXPECT_EQ(statistics.miss(0).cause, sched::MissCause::Queued);
}

TEST(Statistics, ACopyOverAnotherHasItsMissesAlone) {
  const auto missed = [](int count) {
    TaskStatistics statistics;
    for (int i = 1; i <= count; ++i) statistics.ended(completed(9000, i), false, i, nullptr);
    return statistics;
  };
  for (const int from : {0, 2, 10, 13}) {
    for (const int to : {0, 3, 12}) {
      const TaskStatistics source = missed(from);
      TaskStatistics target = missed(to);
      target = source;
      ASSERT_EQ(target.missCount(), source.missCount());
      for (std::size_t i = 0; i < source.missCount(); ++i)
        EXPECT_EQ(target.miss(i).lateUs, source.miss(i).lateUs);
      target.ended(completed(9000, 77), false, 0, nullptr);
      EXPECT_EQ(target.miss(0).lateUs, 77);
      EXPECT_EQ(target.response().count(), source.response().count() + 1);
    }
  }
}

TEST(Statistics, CountersGoOnFromWhatWasCarried) {
  JobCounters carried;
  carried.released = 1000;
  carried.missed = 3;
  TaskStatistics statistics(carried, 7);
  sched::ReleaseOutcome moved = decided(sched::Decision::Admitted);
  moved.migratedFrom = sched::ContextRef{0, 1};
  moved.context = {0, 2};
  statistics.released(moved, 42);
  EXPECT_EQ(statistics.jobs().released, 1001U);
  EXPECT_EQ(statistics.jobs().missed, 3U);
  EXPECT_EQ(statistics.migrations().count, 8U);
  EXPECT_EQ(statistics.migrations().from, 1U);
  EXPECT_EQ(statistics.migrations().to, 2U);
  EXPECT_EQ(statistics.migrations().wallUs, 42);
}

TEST(Statistics, OmittedPointsAreSkippedReleases) {
  TaskStatistics statistics;
  statistics.omitted(5);
  EXPECT_EQ(statistics.jobs().released, 5U);
  EXPECT_EQ(statistics.jobs().skipped, 5U);
}

TEST(Statistics, DroppedAndFailedHaveNoResponse) {
  TaskStatistics statistics;
  sched::JobEnd dropped = completed(9000, 1000);
  dropped.end = sched::End::Dropped;
  sched::JobEnd failed = completed(100, 0);
  failed.end = sched::End::Failed;
  statistics.ended(dropped, false, 0, nullptr);
  statistics.ended(failed, false, 0, nullptr);
  EXPECT_EQ(statistics.response().count(), 0U);
  EXPECT_EQ(statistics.jobs().dropped, 1U);
  EXPECT_EQ(statistics.jobs().failed, 1U);
  EXPECT_EQ(statistics.jobs().missed, 1U);
}

}  // namespace
}  // namespace daris::runtime
