// Ranges of a block: whatever is taken and given back, no two overlap and nothing is lost.
#include "engine/torch/free_ranges.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace daris::engine::torch {
namespace {

constexpr std::size_t kGranule = 256;

TEST(FreeRanges, GivesWholeGranulesOfItsOwn) {
  FreeRanges ranges(4 * kGranule, kGranule);
  EXPECT_EQ(ranges.take(1), 0U);
  EXPECT_EQ(ranges.take(kGranule + 1), kGranule);
  EXPECT_EQ(ranges.left(), kGranule);
  EXPECT_EQ(ranges.take(kGranule + 1), std::nullopt);
  EXPECT_EQ(ranges.take(kGranule), 3 * kGranule);
  EXPECT_EQ(ranges.take(0), std::nullopt);
}

TEST(FreeRanges, WhatIsGivenBackJoinsItsNeighbours) {
  FreeRanges ranges(3 * kGranule, kGranule);
  for (std::size_t i = 0; i < 3; ++i) ASSERT_EQ(ranges.take(kGranule), i * kGranule);
  ranges.give_back(0, kGranule);
  ranges.give_back(2 * kGranule, kGranule);
  EXPECT_EQ(ranges.take(2 * kGranule), std::nullopt);
  ranges.give_back(kGranule, kGranule);
  EXPECT_EQ(ranges.take(3 * kGranule), 0U);
}

TEST(FreeRanges, NoTwoEverOverlapAndNothingIsLost) {
  constexpr std::size_t kBytes = 1 << 20;
  struct Taken {
    std::size_t offset;
    std::size_t bytes;
  };
  std::mt19937 random(7);
  FreeRanges ranges(kBytes, kGranule);
  std::vector<Taken> taken;
  for (int step = 0; step < 20'000; ++step) {
    if (!taken.empty() && random() % 2 == 0) {
      std::swap(taken[random() % taken.size()], taken.back());
      ranges.give_back(taken.back().offset, taken.back().bytes);
      taken.pop_back();
      continue;
    }
    const std::size_t bytes = 1 + random() % (kBytes / 16);
    const auto offset = ranges.take(bytes);
    if (!offset) continue;
    ASSERT_EQ(*offset % kGranule, 0U);
    ASSERT_LE(*offset + bytes, kBytes);
    for (const Taken& other : taken)
      ASSERT_TRUE(*offset + bytes <= other.offset || other.offset + other.bytes <= *offset);
    taken.push_back({*offset, bytes});
  }
  for (const Taken& each : taken) ranges.give_back(each.offset, each.bytes);
  EXPECT_EQ(ranges.take(kBytes), 0U);
}

}  // namespace
}  // namespace daris::engine::torch
