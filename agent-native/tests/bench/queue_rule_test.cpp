// What free lanes take under rules without admission, instant by instant.
#include "gpu/queue_rule.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace daris::bench {
namespace {

/// A rule with what its lanes took last.
template <typename Rule>
struct Lane {
  Rule rule;
  std::uint32_t named = 0;

  /// Jobs are named in the order in which they come.
  void come(TimeUs now, int count, bool high, std::uint32_t of = 0, DurationUs deadline = 33'000) {
    for (int i = 0; i < count; ++i)
      rule.enqueue({.release_us = now,
                    .deadline_us = now + deadline,
                    .task = named++,
                    .class_index = of,
                    .high = high});
  }

  std::vector<std::uint32_t> take(TimeUs now) {
    std::vector<WaitingJob> unit;
    rule.take(now, unit);
    std::vector<std::uint32_t> names;
    for (const WaitingJob& job : unit) names.push_back(job.task);
    return names;
  }
};

using Names = std::vector<std::uint32_t>;

TEST(FreeLaneTest, TakesAtOnceWhatIsThere) {
  Lane<FreeLaneRule> lane{FreeLaneRule({4})};
  EXPECT_TRUE(lane.take(0).empty());
  lane.come(0, 1, false);
  EXPECT_EQ(lane.take(0), Names{0});
  lane.come(1, 6, false);
  EXPECT_EQ(lane.take(1), (Names{1, 2, 3, 4}));
  EXPECT_EQ(lane.take(1), (Names{5, 6}));
}

TEST(FreeLaneTest, HighOnesGoFirstThenByDeadline) {
  Lane<FreeLaneRule> lane{FreeLaneRule({3})};
  lane.come(0, 1, false, 0, 100);
  lane.come(0, 1, false, 0, 50);
  lane.come(0, 1, true, 0, 900);
  lane.come(0, 1, true, 0, 800);
  EXPECT_EQ(lane.take(0), (Names{3, 2, 1}));
}

TEST(FreeLaneTest, AUnitIsOfTheClassOfTheBestJob) {
  Lane<FreeLaneRule> lane{FreeLaneRule({8, 1})};
  lane.come(0, 3, false, 0);
  lane.come(0, 2, true, 1, 1000);
  EXPECT_EQ(lane.take(0), Names{3});
  EXPECT_EQ(lane.take(0), Names{4});
  EXPECT_EQ(lane.take(0), (Names{0, 1, 2}));
}

TEST(FreeLaneTest, WhatIsLeftOverIsHandedOutOnce) {
  Lane<FreeLaneRule> lane{FreeLaneRule({1, 1})};
  lane.come(0, 2, false, 0);
  lane.come(0, 1, true, 1);
  EXPECT_EQ(lane.rule.leftover().size(), 3U);
  EXPECT_TRUE(lane.rule.leftover().empty());
  EXPECT_TRUE(lane.take(0).empty());
}

Lane<TritonRule> triton(DurationUs delay, std::set<std::uint32_t> preferred = {}) {
  return {TritonRule(
      {.max_batch_size = 8, .preferred_batch_size = std::move(preferred), .max_queue_delay_us = delay})};
}

TEST(TritonTest, WithoutADelayItSendsWhatIsThere) {
  auto lane = triton(0);
  lane.come(0, 3, false);
  EXPECT_EQ(lane.take(0).size(), 3U);
  lane.come(0, 11, false);
  EXPECT_EQ(lane.take(0).size(), 8U);
  EXPECT_EQ(lane.take(0).size(), 3U);
}

TEST(TritonTest, APreferredSizeIsSentAlthoughMoreWait) {
  auto lane = triton(0, {2, 4});
  lane.come(0, 7, false);
  EXPECT_EQ(lane.take(0).size(), 4U);
  EXPECT_EQ(lane.take(0).size(), 2U);
  EXPECT_EQ(lane.take(0).size(), 1U) << "none fits, and there is no delay";
}

TEST(TritonTest, ItWaitsForCompanyUntilTheOldestHasWaitedForTheDelay) {
  auto lane = triton(500);
  lane.come(1000, 1, false);
  lane.come(1200, 2, false);
  EXPECT_TRUE(lane.take(1499).empty());
  EXPECT_EQ(lane.take(1500).size(), 3U);
  EXPECT_TRUE(lane.take(9000).empty());
}

TEST(TritonTest, AFullBatchDoesNotWait) {
  auto lane = triton(500);
  lane.come(0, 8, false);
  EXPECT_EQ(lane.take(1).size(), 8U);
}

TEST(TritonTest, AfterTheDelayAllOfThemGoNotThePreferredSizeAlone) {
  auto lane = triton(500, {4});
  lane.come(0, 6, false);
  EXPECT_EQ(lane.take(100).size(), 4U);
  lane.come(100, 4, false);  // six again, two of them from instant 0
  EXPECT_EQ(lane.take(500).size(), 6U);
}

TEST(TritonTest, LevelsGoBeforeArrival) {
  auto lane = triton(0);
  lane.come(0, 7, false);
  lane.come(1, 3, true);
  EXPECT_EQ(lane.take(2), (Names{7, 8, 9, 0, 1, 2, 3, 4}));
}

TEST(TritonTest, TheDelayIsThatOfTheOldestThatWouldGo) {
  auto lane = triton(500, {8});
  lane.come(0, 1, false);
  lane.come(400, 3, true);
  EXPECT_EQ(lane.take(500).size(), 4U) << "the low one has waited for the delay, though it goes last";
}

TEST(TritonTest, APreferredSizeOverTheLargestIsRefused) {
  EXPECT_THROW(triton(0, {16}), std::invalid_argument);
}

}  // namespace
}  // namespace daris::bench
