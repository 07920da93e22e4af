#include "device/sharing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace daris::device {
namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
constexpr std::uint32_t kOurs = 10;  // as this process numbers itself

struct Listed {
  std::uint32_t pid;
  std::vector<std::uint32_t> lineage;
};

/// A process that tells who it is of: newer drivers, same PID namespace.
Listed known(std::uint32_t pid) {
  return {pid, {pid, 1}};
}

/// One by the host's number, which nobody here knows.
Listed hosts(std::uint32_t pid) {
  return {pid, {pid}};
}

Census census(const std::vector<Listed>& listed, std::uint64_t usedBytes = 0) {
  Census census;
  for (const Listed& each : listed)
    census.processes.push_back(
        {.pid = each.pid, .lineage = each.lineage, .memoryBytes = kGiB, .mps = false, .name = {}});
  census.usedBytes = usedBytes == 0 ? kGiB * listed.size() : usedBytes;
  return census;
}

std::vector<std::uint32_t> pids(const Foreign& foreign) {
  std::vector<std::uint32_t> pids;
  for (const Process& process : foreign.processes) pids.push_back(process.pid);
  std::ranges::sort(pids);
  return pids;
}

using Pids = std::vector<std::uint32_t>;

TEST(Sharing, WhoWasThereBeforeOurFirstContextIsForeignUntilItIsGone) {
  Sharing sharing(census({hosts(4242)}));
  EXPECT_EQ(pids(sharing.judge(census({hosts(4242), hosts(5000)}), {kOurs})), Pids{4242});
  EXPECT_EQ(pids(sharing.judge(census({hosts(4242), hosts(5000)}), {kOurs})), Pids{4242});
  EXPECT_FALSE(sharing.judge(census({hosts(5000)}), {kOurs}).any());
}

TEST(Sharing, OurselvesAloneAreNoSharing) {
  Sharing byHost{Census{}};
  Sharing byNamespace{Census{}};
  for (int look = 0; look < 3; ++look) {
    EXPECT_FALSE(byHost.judge(census({hosts(5000)}), {kOurs}).any());
    EXPECT_FALSE(byNamespace.judge(census({known(kOurs)}), {kOurs}).any());
  }
}

TEST(Sharing, ALaterNewcomerIsForeign) {
  Sharing sharing{Census{}};
  EXPECT_FALSE(sharing.judge(census({hosts(5000)}), {kOurs}).any());
  EXPECT_EQ(pids(sharing.judge(census({hosts(5000), hosts(4242)}), {kOurs})), Pids{4242});
  EXPECT_FALSE(sharing.judge(census({hosts(5000)}), {kOurs}).any());
}

TEST(Sharing, AChildThatWasAnnouncedIsOurs) {
  Sharing sharing{Census{}};
  EXPECT_FALSE(sharing.judge(census({hosts(5000)}), {kOurs}).any());
  EXPECT_FALSE(sharing.judge(census({hosts(5000)}), {kOurs, 11}).any()) << "it has not opened the GPU yet";
  EXPECT_FALSE(sharing.judge(census({hosts(5000), hosts(5001)}), {kOurs, 11}).any());
  EXPECT_EQ(pids(sharing.judge(census({hosts(5000), hosts(5001), hosts(7)}), {kOurs, 11})), Pids{7});
  EXPECT_FALSE(sharing.judge(census({hosts(5000)}), {kOurs}).any()) << "both have ended";
}

TEST(Sharing, MoreAtOnceThanAreMissingAreAllSuspectedUntilNoMoreThanOursAreLeft) {
  Sharing sharing{Census{}};
  EXPECT_EQ(pids(sharing.judge(census({hosts(5000), hosts(4242)}), {kOurs})), (Pids{4242, 5000}));
  EXPECT_FALSE(sharing.judge(census({hosts(5000)}), {kOurs}).any());
}

TEST(Sharing, NumbersOfOurNamespaceTellEverybodyApartAtOnce) {
  Sharing sharing{Census{}};
  EXPECT_EQ(pids(sharing.judge(census({known(kOurs), known(20)}), {kOurs})), Pids{20});
  EXPECT_EQ(pids(sharing.judge(census({known(kOurs), known(20), known(11)}), {kOurs, 11})), Pids{20});
}

TEST(Sharing, TheNumberOfAThreadOfOursIsOurs) {
  Sharing sharing{Census{}};
  EXPECT_FALSE(sharing.judge(census({{kOurs + 1, {kOurs, 1}}}), {kOurs}).any());
}

TEST(Sharing, ChildrenOfOursAreOurs) {
  Sharing sharing{Census{}};
  const Listed grandchild{12, {12, 11, kOurs, 1}};
  EXPECT_EQ(pids(sharing.judge(census({known(kOurs), grandchild, known(20)}), {kOurs})), Pids{20});
}

TEST(Sharing, WhatWasTakenForForeignIsOursOnceItIsAnnouncedByItsNumber) {
  Sharing sharing{Census{}};
  EXPECT_EQ(pids(sharing.judge(census({known(kOurs), known(11)}), {kOurs})), Pids{11});
  EXPECT_FALSE(sharing.judge(census({known(kOurs), known(11)}), {kOurs, 11}).any());
}

TEST(Sharing, MemoryThatNobodyListedHoldsIsOfSomebodyHidden) {
  Sharing before(census({}, 12 * kGiB));
  const Foreign hidden = before.judge(census({known(kOurs)}, 14 * kGiB), {kOurs});
  EXPECT_TRUE(hidden.processes.empty());
  EXPECT_EQ(hidden.hiddenBytes, 12 * kGiB) << "the lesser of two looks";
  EXPECT_EQ(before.judge(census({known(kOurs)}, kGiB), {kOurs}).hiddenBytes, 0U) << "it has gone";
}

TEST(Sharing, MemoryIsHiddenOnlyWhereTwoLooksSaySo) {
  Sharing sharing{Census{}};
  EXPECT_FALSE(sharing.judge(census({known(kOurs)}, 3 * kGiB), {kOurs}).any())
      << "an allocation between two calls";
  EXPECT_TRUE(sharing.judge(census({known(kOurs)}, 3 * kGiB), {kOurs}).any());
}

TEST(Sharing, WhoDoesNotTellItsMemoryHidesNobody) {
  Sharing sharing{Census{}};
  Census untold = census({known(kOurs)}, 9 * kGiB);
  untold.processes[0].memoryBytes = std::nullopt;
  for (int look = 0; look < 3; ++look) EXPECT_FALSE(sharing.judge(untold, {kOurs}).any());
}

TEST(Sharing, ADriverThatListsNobodyBetraysNobody) {
  Sharing sharing{Census{}};
  for (int look = 0; look < 3; ++look)
    EXPECT_FALSE(sharing.judge(census({}, 9 * kGiB), {kOurs}).any()) << "it may well be ours";
}

TEST(Sharing, WhatTheDriverKeepsForItselfIsNobodys) {
  Sharing sharing(census({}, kHiddenBytes - 1));
  EXPECT_FALSE(sharing.judge(census({known(kOurs)}, kGiB + kHiddenBytes - 1), {kOurs}).any());
}

}  // namespace
}  // namespace daris::device
