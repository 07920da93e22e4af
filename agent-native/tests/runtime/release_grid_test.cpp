// The grid against a wall clock that jumps, a thread that stalls, and time that only passes.
#include "runtime/release_grid.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace daris::runtime {
namespace {

constexpr DurationUs kPeriod = 33'333;
constexpr DurationUs kOffset = 5'000;

std::int64_t phase(TimeUs steadyUs, std::int64_t aheadUs) {
  return ((steadyUs + aheadUs - kOffset) % kPeriod + kPeriod) % kPeriod;
}

TEST(ReleaseGrid, FirstPointIsAtOrAfterTheInstantAndOnTheGrid) {
  const ReleaseGrid grid(kPeriod, kOffset);
  for (const std::int64_t ahead : {0L, 1'700'000'000'123'456L, -5'000'000'000L}) {
    for (TimeUs now = 1'000'000; now < 1'000'000 + 3 * kPeriod; now += 997) {
      const TimeUs first = grid.firstFrom(now, ahead);
      EXPECT_GE(first, now);
      EXPECT_LT(first, now + kPeriod);
      EXPECT_EQ(phase(first, ahead), 0);
    }
  }
}

TEST(ReleaseGrid, APointIsItsOwnFirst) {
  const ReleaseGrid grid(kPeriod, kOffset);
  const TimeUs first = grid.firstFrom(123'456, 77);
  EXPECT_EQ(grid.firstFrom(first, 77), first);
  EXPECT_EQ(grid.firstFrom(first + 1, 77), first + kPeriod);
}

TEST(ReleaseGrid, LateWakeUpsAddNoDrift) {
  const ReleaseGrid grid(kPeriod, kOffset);
  const std::int64_t ahead = 1'700'000'000'000'000;
  const TimeUs first = grid.firstFrom(0, ahead);
  TimeUs due = first;
  for (int i = 1; i <= 100'000; ++i) {
    const auto point = grid.latest(due, due + i % kPeriod, ahead);
    EXPECT_EQ(point.atUs, due);
    EXPECT_EQ(point.omitted, 0U);
    due = grid.after(point.atUs, ahead);
  }
  EXPECT_EQ(due, first + 100'000 * kPeriod);
}

TEST(ReleaseGrid, AfterAStallTheNewestPointIsReleasedAndTheOthersCounted) {
  const ReleaseGrid grid(kPeriod, kOffset);
  const TimeUs due = grid.firstFrom(0, 0);
  for (const DurationUs late : {DurationUs{0}, kPeriod / 4, kPeriod - 1}) {
    const auto point = grid.latest(due, due + 10 * kPeriod + late, 0);
    EXPECT_EQ(point.atUs, due + 10 * kPeriod) << late;
    EXPECT_EQ(point.omitted, 10U) << late;
    EXPECT_EQ(grid.after(point.atUs, 0), due + 11 * kPeriod) << late;
  }
}

TEST(ReleaseGrid, WhatIsDueStaysDueWhenTheClockWasStepped) {
  const ReleaseGrid grid(kPeriod, kOffset);
  const TimeUs due = grid.firstFrom(0, 0);
  for (const std::int64_t byUs : {7'000L, -7'000L, 3'600'000'000L, -3'600'000'000L}) {
    const auto point = grid.latest(due, due + 50, byUs);
    EXPECT_LE(point.atUs, due + 50) << byUs;
    EXPECT_GE(point.atUs, due) << byUs;
    EXPECT_EQ(point.omitted, 0U) << byUs;
  }
}

struct ClockStep {
  const char* name;
  std::int64_t byUs;
};

class SteppedClock : public testing::TestWithParam<ClockStep> {};

TEST_P(SteppedClock, ReleasesGoOnWithoutBurstOrHoleAndReachTheNewGrid) {
  const ReleaseGrid grid(kPeriod, kOffset);
  std::int64_t ahead = 1'700'000'000'000'000;
  TimeUs due = grid.firstFrom(50'000, ahead);
  std::vector<TimeUs> releases{due};
  for (int i = 0; i < 20; ++i) {
    if (i == 10) ahead += GetParam().byUs;
    due = grid.after(grid.latest(due, due + 50, ahead).atUs, ahead);
    releases.push_back(due);
  }
  for (std::size_t i = 1; i < releases.size(); ++i) {
    EXPECT_GE(releases[i] - releases[i - 1], kPeriod / 2) << i;
    EXPECT_LE(releases[i] - releases[i - 1], 3 * kPeriod / 2 + 1) << i;
  }
  EXPECT_EQ(phase(releases.back(), ahead), 0);
}

INSTANTIATE_TEST_SUITE_P(ReleaseGrid, SteppedClock,
                         testing::Values(ClockStep{"Forward", 3'600'000'000},
                                         ClockStep{"Back", -3'600'000'000},
                                         ClockStep{"ALittleForward", 7'000}, ClockStep{"ALittleBack", -7'000},
                                         ClockStep{"HalfAPeriod", kPeriod / 2},
                                         ClockStep{"OnePeriod", kPeriod}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace daris::runtime
