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

}  // namespace
}  // namespace daris::simulator
