// Percentiles by nearest rank.
#include "simulator/responses.hpp"

#include <gtest/gtest.h>

namespace daris::simulator {
namespace {

TEST(Responses, PercentilesAreByNearestRank) {
  Responses responses;
  for (int us = 1; us <= 200; ++us) responses.add(us * 10);
  const Responses::Figures figures = responses.figures();
  EXPECT_EQ(figures.p50Us, 1000);
  EXPECT_EQ(figures.p99Us, 1980);
  EXPECT_EQ(figures.p999Us, 2000);
  EXPECT_EQ(figures.maxUs, 2000);
  EXPECT_EQ(figures.meanUs, 1005);
}

TEST(Responses, OneValueIsEveryPercentile) {
  Responses one, all;
  one.add(7);
  all.merge(one);
  all.merge(one);
  EXPECT_EQ(all.figures().count, 2u);
  EXPECT_EQ(all.figures().p50Us, 7);
  EXPECT_EQ(all.figures().p999Us, 7);
}

TEST(Responses, ManyInAnyOrderAreCountedExactly) {
  Responses responses, halves;
  // 7919 is prime to 10000, so every value comes three times, in an order that jumps.
  for (std::int64_t i = 0; i < 30000; ++i) responses.add(i * 7919 % 10000 + 1);
  halves.merge(responses);
  halves.merge(responses);
  for (const Responses* each : {&responses, &halves}) {
    const Responses::Figures figures = each->figures();
    EXPECT_EQ(figures.count, each == &responses ? 30000u : 60000u);
    EXPECT_EQ(figures.p50Us, 5000);
    EXPECT_EQ(figures.p99Us, 9900);
    EXPECT_EQ(figures.p999Us, 9990);
    EXPECT_EQ(figures.maxUs, 10000);
    EXPECT_EQ(figures.meanUs, 5000.5);
  }
}

}  // namespace
}  // namespace daris::simulator
