// The hardware's groups of SMs: which each context gets.
#include "engine/torch/sm_groups.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace daris::engine::torch {
namespace {

constexpr std::uint32_t kSms = 132;  // an H200
constexpr SmSplit kHopper{.size = 8, .count = 16};
constexpr SmSplit kFine{.size = 2, .count = 66};

Partitioning of(std::uint32_t contexts, double oversubscription,
                PartitionMode mode = PartitionMode::GreenContexts) {
  return {.contexts = contexts, .streams_per_context = 1, .oversubscription = oversubscription, .mode = mode};
}

TEST(DealGroups, ContextsThatShareNothingHaveGroupsOfTheirOwn) {
  const auto contexts = deal_groups(kSms, kFine, of(6, 1));
  ASSERT_EQ(contexts.size(), 6U);
  std::map<std::uint32_t, int> users;
  for (const SmGroups& groups : contexts) {
    EXPECT_EQ(groups.size() * kFine.size, 22U);
    for (const std::uint32_t group : groups) ++users[group];
  }
  EXPECT_EQ(users.size(), 66U);
  EXPECT_TRUE(std::ranges::all_of(users, [](const auto& user) { return user.second == 1; }));
}

TEST(DealGroups, OversubscribedContextsShareGroupsEvenly) {
  const auto contexts = deal_groups(kSms, kHopper, of(4, 2));  // 66 SMs: 9 groups of 16
  std::map<std::uint32_t, int> users;
  for (const SmGroups& groups : contexts) {
    EXPECT_EQ(groups.size(), 9U);
    EXPECT_TRUE(std::ranges::is_sorted(groups));
    EXPECT_EQ(std::ranges::adjacent_find(groups), groups.end());
    for (const std::uint32_t group : groups) {
      EXPECT_LT(group, kHopper.count);
      ++users[group];
    }
  }
  EXPECT_EQ(users.size(), 16U);
  for (const auto& [group, count] : users) EXPECT_TRUE(count == 2 || count == 3) << group;
}

TEST(DealGroups, TheShareIsRoundedUpToWholeGroups) {
  for (const SmGroups& groups : deal_groups(kSms, kHopper, of(6, 1)))
    EXPECT_EQ(groups.size(), 3U);  // 22 of 24
}

TEST(DealGroups, AShareThatNeedsAllGroupsIsTheWholeGpu) {
  for (const SmGroups& groups : deal_groups(kSms, kHopper, of(8, 8))) EXPECT_TRUE(groups.empty());
  for (const SmGroups& groups : deal_groups(kSms, kHopper, of(4, 3.9))) EXPECT_TRUE(groups.empty());
  EXPECT_TRUE(deal_groups(kSms, kHopper, of(1, 1)).at(0).empty());
}

TEST(DealGroups, StreamsAreNotKeptApart) {
  const auto contexts = deal_groups(kSms, kHopper, of(4, 1, PartitionMode::Streams));
  ASSERT_EQ(contexts.size(), 4U);
  for (const SmGroups& groups : contexts) EXPECT_TRUE(groups.empty());
}

}  // namespace
}  // namespace daris::engine::torch
