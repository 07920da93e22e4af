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
    const auto step = grid.after(due, due + i % 3'000, ahead);
    EXPECT_EQ(step.omitted, 0U);
    due = step.nextUs;
  }
  EXPECT_EQ(due, first + 100'000 * kPeriod);
}

TEST(ReleaseGrid, AStallLeavesPointsOutAndCountsThem) {
  const ReleaseGrid grid(kPeriod, kOffset);
  const TimeUs due = grid.firstFrom(0, 0);
  const auto step = grid.after(due, due + 10 * kPeriod + kPeriod / 4, 0);
  EXPECT_EQ(step.nextUs, due + 10 * kPeriod);  // a quarter period late is still released
  EXPECT_EQ(step.omitted, 9U);
  const auto later = grid.after(due, due + 10 * kPeriod + 3 * kPeriod / 4, 0);
  EXPECT_EQ(later.nextUs, due + 11 * kPeriod);
  EXPECT_EQ(later.omitted, 10U);
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
    due = grid.after(due, due + 50, ahead).nextUs;
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
