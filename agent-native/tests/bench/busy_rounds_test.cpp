// Which rounds of a dispatcher that spins count as work.
#include "gpu/busy_rounds.hpp"

#include <gtest/gtest.h>

namespace daris::bench {
namespace {

TEST(BusyRoundsTest, ARoundThatWroteNothingIsPolling) {
  BusyRounds rounds;
  rounds.open();
  rounds.polled(1000, 5);
  rounds.polled(1100, 5);  // idle
  rounds.polled(3100, 9);  // worked for 2 us
  rounds.polled(3200, 9);
  EXPECT_EQ(rounds.total().worked_ns, 2000);
  EXPECT_EQ(rounds.total().other_ns, 0);
  EXPECT_EQ(rounds.total().rounds, 3U);
}

TEST(BusyRoundsTest, ALongRoundWithoutWorkIsToldApart) {
  BusyRounds rounds;
  rounds.open();
  rounds.polled(1000, 5);
  rounds.polled(1000 + BusyRounds::kLongNs, 5);
  EXPECT_EQ(rounds.total().worked_ns, 0);
  EXPECT_EQ(rounds.total().other_ns, BusyRounds::kLongNs);
}

TEST(BusyRoundsTest, OnlyWhatLiesInTheWindowCounts) {
  BusyRounds rounds;
  rounds.polled(1000, 1);
  rounds.polled(2000, 2);
  rounds.launched(300);
  rounds.open();
  rounds.polled(3000, 3);
  rounds.launched(400);
  rounds.close();
  rounds.polled(4000, 4);
  EXPECT_EQ(rounds.total().worked_ns, 1000);
  EXPECT_EQ(rounds.total().launch_ns, 400);
  EXPECT_EQ(rounds.total().rounds, 1U);
}

}  // namespace
}  // namespace daris::bench
