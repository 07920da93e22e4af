#include "runtime/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

namespace daris::runtime {
namespace {

TEST(Histogram, BoundsGrowByAQuarterAtMost) {
  const auto& bounds = Histogram::bounds();
  EXPECT_EQ(bounds.front(), 64);
  for (std::size_t i = 1; i < bounds.size(); ++i) {
    EXPECT_GT(bounds[i], bounds[i - 1]);
    EXPECT_LE(static_cast<double>(bounds[i]), 1.2501 * static_cast<double>(bounds[i - 1]));
  }
  EXPECT_GT(bounds.back(), 100'000'000);
}

TEST(Histogram, ABoundBelongsToItsBucketAndWhatIsBeyondToTheLast) {
  Histogram histogram;
  histogram.record(64);
  histogram.record(65);
  histogram.record(Histogram::bounds().back() + 1);
  histogram.record(-5);
  EXPECT_EQ(histogram.counts().front(), 2U);
  EXPECT_EQ(histogram.counts()[1], 1U);
  EXPECT_EQ(histogram.counts().back(), 1U);
  EXPECT_EQ(histogram.count(), 4U);
}

TEST(Histogram, EveryValueGoesToTheFirstBucketWhoseBoundIsNotBelowIt) {
  const auto& bounds = Histogram::bounds();
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    for (const DurationUs value : {bounds[i] - 1, bounds[i], bounds[i] + 1}) {
      Histogram histogram;
      histogram.record(value);
      const auto bucket = std::ranges::lower_bound(bounds, value) - bounds.begin();
      EXPECT_EQ(histogram.counts()[static_cast<std::size_t>(bucket)], 1U) << value;
    }
  }
}

TEST(Histogram, ACopyOverAnotherIsTheSame) {
  const std::vector<std::vector<DurationUs>> contents{
      {}, {10, 70}, {5'000, 6'000, 9'000}, {1, 1'000'000'000}, {100}};
  for (const auto& from : contents) {
    for (const auto& to : contents) {
      Histogram source, target;
      for (const DurationUs value : from) source.record(value);
      for (const DurationUs value : to) target.record(value);
      target = source;
      EXPECT_EQ(target.counts(), source.counts());
      EXPECT_EQ(target.count(), source.count());
      EXPECT_EQ(target.sumUs(), source.sumUs());
      EXPECT_EQ(target.quantile(1), source.quantile(1));
    }
  }
}

TEST(Histogram, EmptyHasNoQuantiles) {
  EXPECT_EQ(Histogram().quantile(0.99), 0);
}

TEST(Histogram, OneValueIsAllQuantiles) {
  Histogram histogram;
  histogram.record(5000);
  EXPECT_EQ(histogram.quantile(0.5), 5000);
  EXPECT_EQ(histogram.quantile(1), 5000);
}

TEST(Histogram, QuantilesAreWithinABucketOfTheExactOnes) {
  std::mt19937 random(3);
  std::lognormal_distribution<double> responses(std::log(5000.0), 0.8);
  Histogram histogram;
  std::vector<DurationUs> values;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(static_cast<DurationUs>(responses(random)) + 1);
    histogram.record(values.back());
  }
  std::ranges::sort(values);
  for (const double q : {0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto exact = static_cast<double>(values[static_cast<std::size_t>(std::ceil(q * 20'000)) - 1]);
    EXPECT_NEAR(static_cast<double>(histogram.quantile(q)), exact, exact * 0.25 + 64) << q;
  }
  EXPECT_EQ(histogram.sumUs(),
            static_cast<std::uint64_t>(std::accumulate(values.begin(), values.end(), 0LL)));
}

}  // namespace
}  // namespace daris::runtime
