// Dividing cores into contexts.
#include "engine/partition.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <stdexcept>

namespace daris::engine {
namespace {

using Cores = std::vector<std::uint32_t>;

struct Division {
  Cores cores;
  std::uint32_t contexts;
  double oversubscription;
  std::vector<Cores> expected;
};

const Division kDivisions[] = {
    {{0, 1}, 1, 1, {{0, 1}}},
    {{0, 1}, 2, 1, {{0}, {1}}},
    {{0, 1}, 2, 1.5, {{0, 1}, {0, 1}}},
    {{0, 1}, 2, 2, {{0, 1}, {0, 1}}},
    {{3}, 4, 1, {{3}, {3}, {3}, {3}}},
    {{0, 1, 2}, 2, 1, {{0, 1}, {0, 2}}},
    {{0, 1, 2, 3}, 6, 1, {{0}, {1}, {2}, {3}, {0}, {1}}},
    {{0, 1, 2, 3}, 3, 1.5, {{0, 1}, {2, 3}, {0, 1}}},
    {{4, 5, 6, 7, 8, 9}, 4, 2, {{4, 5, 6}, {7, 8, 9}, {4, 5, 6}, {7, 8, 9}}},
    {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 11, 1.1, {{0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}, {9}, {0}}},
};

TEST(DivideCores, Table) {
  for (const Division& row : kDivisions) {
    EXPECT_EQ(divide_cores(row.cores, {row.contexts, 1, row.oversubscription}), row.expected)
        << row.cores.size() << " cores, " << row.contexts << " contexts, OS " << row.oversubscription;
  }
}

TEST(DivideCores, LoadIsEvenAndNoCoreIsTwiceInAContext) {
  for (std::uint32_t count = 1; count <= 9; ++count) {
    Cores cores;
    for (std::uint32_t i = 0; i < count; ++i) cores.push_back(10 + i);
    for (std::uint32_t contexts = 1; contexts <= 10; ++contexts) {
      for (double os = 1; os <= contexts; os += 0.5) {
        std::map<std::uint32_t, int> load;
        for (const std::uint32_t core : cores) load[core] = 0;
        for (const Cores& context : divide_cores(cores, {contexts, 1, os})) {
          ASSERT_FALSE(context.empty());
          ASSERT_TRUE(std::adjacent_find(context.begin(), context.end()) == context.end());
          for (const std::uint32_t core : context) ++load[core];
        }
        const auto less = [](const auto& a, const auto& b) { return a.second < b.second; };
        const auto [least, most] = std::minmax_element(load.begin(), load.end(), less);
        ASSERT_LE(most->second - least->second, 1)
            << count << " cores, " << contexts << " contexts, OS " << os;
      }
    }
  }
}

TEST(DivideCores, RefusesWhatCannotBe) {
  const Cores cores{0, 1};
  EXPECT_THROW((void)divide_cores({}, {1, 1, 1}), std::invalid_argument);
  EXPECT_THROW((void)divide_cores(cores, {0, 1, 1}), std::invalid_argument);
  EXPECT_THROW((void)divide_cores(cores, {2, 0, 1}), std::invalid_argument);
  EXPECT_THROW((void)divide_cores(cores, {2, 1, 0.5}), std::invalid_argument);
  EXPECT_THROW((void)divide_cores(cores, {2, 1, 2.5}), std::invalid_argument);
  EXPECT_THROW((void)divide_cores(cores, {2, 1, std::numeric_limits<double>::quiet_NaN()}),
               std::invalid_argument);
}

TEST(StreamsPerCore, CountsThoseOnTheBusiestCore) {
  EXPECT_DOUBLE_EQ(streams_per_core(std::vector<Cores>{{0}, {1}}, 1), 1);
  EXPECT_DOUBLE_EQ(streams_per_core(std::vector<Cores>{{0, 1}, {0, 1}}, 1), 1);
  EXPECT_DOUBLE_EQ(streams_per_core(std::vector<Cores>{{0}, {1}}, 2), 2);
  EXPECT_DOUBLE_EQ(streams_per_core(std::vector<Cores>{{0}, {1}, {0}}, 1), 2);
  EXPECT_DOUBLE_EQ(streams_per_core(std::vector<Cores>{{0, 1}}, 1), 1);
  EXPECT_DOUBLE_EQ(streams_per_core(std::vector<Cores>{{0, 1}}, 3), 1.5);
}

struct Share {
  std::uint32_t sms;
  std::uint32_t contexts;
  double oversubscription;
  std::uint32_t expected;
};

const Share kShares[] = {
    {132, 1, 1, 132}, {132, 2, 1, 66},    {132, 6, 1, 22},   {132, 8, 1, 18},
    {132, 8, 2, 34},  {132, 8, 8, 132},   {132, 5, 1.5, 40}, {7, 1, 1, 7},
    {1, 1, 1, 1},     {110, 11, 1.1, 12}, {132, 4, 1, 34},   {68, 6, 2, 24},  // the latter: the paper's GPU
};

TEST(SmsPerContext, Table) {
  for (const Share& row : kShares) {
    EXPECT_EQ(sms_per_context(row.sms, {row.contexts, 1, row.oversubscription}), row.expected)
        << row.sms << " SMs, " << row.contexts << " contexts, OS " << row.oversubscription;
  }
}

TEST(SmsPerContext, RefusesWhatCannotBe) {
  EXPECT_THROW((void)sms_per_context(4, {5, 1, 1}), std::invalid_argument);
  EXPECT_EQ(sms_per_context(4, {5, 1, 1.25}), 2U);
  EXPECT_THROW((void)sms_per_context(4, {0, 1, 1}), std::invalid_argument);
  EXPECT_THROW((void)sms_per_context(4, {2, 0, 1}), std::invalid_argument);
  EXPECT_THROW((void)sms_per_context(4, {2, 1, 2.5}), std::invalid_argument);
  EXPECT_THROW((void)sms_per_context(4, {2, 1, std::numeric_limits<double>::quiet_NaN()}),
               std::invalid_argument);
}

}  // namespace
}  // namespace daris::engine
