// How many slots tasks need, and when classes get and lose them.
#include <gtest/gtest.h>

#include "runtime/classes.hpp"

namespace daris::runtime {
namespace {

using sched::Priority;
using Counts = std::vector<std::uint32_t>;
const ClassKey kKey{"d", 1};
const Capacities kPairs{{1, {100}}, {2, {150}}};
const Capacities kFours{{1, {100}}, {2, {150}}, {4, {200}}};

TEST(SlotDemand, HighPriorityNeedsOneWhereItIsAndLowPriorityOneEverywhere) {
  SlotDemand demand(3, 2);
  demand.add(kKey, Priority::High, 1, {});
  demand.add(kKey, Priority::Low, 0, {});
  demand.add(kKey, Priority::Low, 2, {});
  const SlotDemand::Class& wanted = demand.byClass().at(kKey);
  EXPECT_EQ(demand.slotsOf(wanted, {}), (Counts{2, 3, 2}));
  EXPECT_EQ(demand.slotsOf(wanted, kPairs), (Counts{2, 2, 2})) << "as many units as streams";
}

class ClassesTest : public testing::Test {
 protected:
  static SlotDemand demandOf(int lowTasks, const Capacities& capacities = {}) {
    SlotDemand demand(2, 3);
    for (int i = 0; i < lowTasks; ++i) demand.add(kKey, Priority::Low, 0, capacities);
    return demand;
  }
  /// What came of the newest order: its capacities, or fewer.
  bool deliver(Counts slots, std::string fault = "", std::set<std::string> remarks = {}) {
    return deliver(orders_.back().capacities, std::move(slots), std::move(fault), std::move(remarks));
  }
  bool deliver(const Capacities& capacities, Counts slots, std::string fault = "",
               std::set<std::string> remarks = {}) {
    return classes_.delivered(
        kKey, {orders_.back().id, capacities, std::move(slots), std::move(fault), std::move(remarks)});
  }

  std::vector<ClassOrder> orders_;
  std::vector<sched::ClassId> retired_;
  Classes classes_{[this](const ClassOrder& order) { orders_.push_back(order); },
                   [this](sched::ClassId id) { retired_.push_back(id); }};
};

TEST_F(ClassesTest, OrdersWhatIsMissingOnce) {
  classes_.want(demandOf(1), {});
  classes_.want(demandOf(1), {});
  ASSERT_EQ(orders_.size(), 1U);
  EXPECT_EQ(classes_.stateFor(kKey, Priority::Low, 0), Classes::State::Pending);
  EXPECT_TRUE(deliver({1, 1}, ""));
  EXPECT_EQ(classes_.stateFor(kKey, Priority::Low, 0), Classes::State::Ready);
  classes_.want(demandOf(2), {});
  ASSERT_EQ(orders_.size(), 2U);
  EXPECT_EQ(orders_[1].have, (Counts{1, 1}));
  EXPECT_EQ(orders_[1].wanted, (Counts{2, 2}));
}

TEST_F(ClassesTest, FewerSlotsThanTasksIsReadyAndNotOrderedAgain) {
  classes_.want(demandOf(5), {});
  EXPECT_TRUE(deliver({2, 1}, ""));
  classes_.want(demandOf(5), {});
  EXPECT_EQ(orders_.size(), 1U);
  EXPECT_EQ(classes_.stateFor(kKey, Priority::Low, 0), Classes::State::Ready);
}

TEST_F(ClassesTest, RemarksOnSlotsAreKeptEachOnce) {
  classes_.want(demandOf(1), {});
  EXPECT_EQ(classes_.remarksOn(kKey), "");
  EXPECT_TRUE(deliver({1, 1}, "", {"b is odd", "a is odd"}));
  classes_.want(demandOf(2), {});
  EXPECT_TRUE(deliver({1, 1}, "", {"b is odd"}));
  EXPECT_EQ(classes_.remarksOn(kKey), "a is odd; b is odd");
}

TEST_F(ClassesTest, AContextWithoutAnySlotIsAFaultUntilForgiven) {
  classes_.want(demandOf(1), {});
  EXPECT_TRUE(deliver({1, 0}, "no memory"));
  EXPECT_EQ(classes_.stateFor(kKey, Priority::Low, 0), Classes::State::Faulty);
  EXPECT_EQ(classes_.stateFor(kKey, Priority::High, 0), Classes::State::Ready);
  EXPECT_EQ(classes_.faultOf(kKey), "no memory");
  classes_.forgive();
  classes_.want(demandOf(1), {});
  EXPECT_EQ(orders_.size(), 2U);
}

TEST_F(ClassesTest, IsRetiredWhenNeitherInDemandNorUsedNorOrdered) {
  classes_.want(demandOf(1), {});
  classes_.want(SlotDemand(2, 3), {});
  EXPECT_TRUE(retired_.empty()) << "an order is under way";
  EXPECT_TRUE(deliver({1, 1}, ""));
  classes_.want(SlotDemand(2, 3), {kKey});
  EXPECT_TRUE(retired_.empty()) << "a task still runs on it";
  classes_.want(SlotDemand(2, 3), {});
  ASSERT_EQ(retired_.size(), 1U);
  EXPECT_FALSE(classes_.empty());
  classes_.retired(retired_[0]);
  EXPECT_TRUE(classes_.empty());
}

// ---- Classes that join ----

TEST_F(ClassesTest, WhoseJobsShallGoTogetherGetsASuccessorBesideIt) {
  classes_.want(demandOf(5), {});
  EXPECT_TRUE(deliver({5, 5}));
  const sched::ClassId former = classes_.idOf(kKey);
  classes_.want(demandOf(5, kPairs), {kKey});
  ASSERT_EQ(orders_.size(), 2U);
  EXPECT_TRUE(orders_[1].first);
  EXPECT_NE(orders_[1].id, former);
  EXPECT_EQ(orders_[1].wanted, (Counts{3, 3})) << "as many as streams";
  EXPECT_EQ(classes_.idOf(kKey), former) << "until the slots are there";
  EXPECT_EQ(classes_.stateFor(kKey, Priority::Low, 0), Classes::State::Ready);
  EXPECT_TRUE(deliver({3, 3}));
  EXPECT_EQ(classes_.idOf(kKey), orders_[1].id);
  classes_.retireFormer({former});
  EXPECT_TRUE(retired_.empty()) << "a task has not gone over yet";
  classes_.retireFormer({orders_[1].id});
  EXPECT_EQ(retired_, std::vector<sched::ClassId>{former});
  classes_.want(demandOf(5, kPairs), {kKey});
  EXPECT_EQ(orders_.size(), 2U);
}

TEST_F(ClassesTest, AndBackAgain) {
  classes_.want(demandOf(5, kPairs), {});
  EXPECT_TRUE(deliver({3, 3}));
  classes_.want(demandOf(5), {kKey});
  EXPECT_EQ(orders_.back().wanted, (Counts{5, 5}));
  EXPECT_TRUE(deliver({5, 5}));
  EXPECT_TRUE(classes_.capacitiesOf(kKey)->empty());
}

TEST_F(ClassesTest, ASuccessorThatIsNotWantedAnyMoreIsOfNoUse) {
  classes_.want(demandOf(1), {});
  EXPECT_TRUE(deliver({1, 1}));
  const sched::ClassId former = classes_.idOf(kKey);
  classes_.want(demandOf(1, kPairs), {kKey});
  classes_.want(demandOf(1), {kKey});
  EXPECT_FALSE(deliver({1, 1}));
  EXPECT_EQ(classes_.idOf(kKey), former);
  classes_.want(demandOf(1), {kKey});
  EXPECT_EQ(orders_.size(), 2U);
}

TEST_F(ClassesTest, ASuccessorThatCannotBeHadLeavesTheFormerUntilItIsForgiven) {
  classes_.want(demandOf(1), {});
  EXPECT_TRUE(deliver({1, 1}));
  const sched::ClassId former = classes_.idOf(kKey);
  classes_.want(demandOf(1, kPairs), {kKey});
  EXPECT_FALSE(deliver({}, {1, 0}, "no memory"));
  EXPECT_EQ(classes_.stateFor(kKey, Priority::Low, 0), Classes::State::Ready);
  EXPECT_EQ(classes_.idOf(kKey), former);
  EXPECT_NE(classes_.remarksOn(kKey).find("no memory"), std::string::npos);
  classes_.want(demandOf(1, kPairs), {kKey});
  EXPECT_EQ(orders_.size(), 2U) << "not again and again";
  classes_.forgive();
  classes_.want(demandOf(1, kPairs), {kKey});
  EXPECT_EQ(orders_.size(), 3U);
}

TEST_F(ClassesTest, FewerCapacitiesThanOrderedAreKept) {
  classes_.want(demandOf(5, kFours), {});
  EXPECT_TRUE(deliver(kPairs, {3, 3}, "", {"at most 2 jobs go together, not 4: no memory"}));
  EXPECT_TRUE(sameSizes(*classes_.capacitiesOf(kKey), kPairs));
  classes_.want(demandOf(5, kFours), {});
  EXPECT_EQ(orders_.size(), 1U);
  EXPECT_NE(classes_.remarksOn(kKey).find("at most 2"), std::string::npos);
  classes_.want(demandOf(5, kPairs), {});
  EXPECT_EQ(orders_.size(), 1U) << "has just these";
}

TEST_F(ClassesTest, WhatHadLessBesideItsFormerIsTriedOnceMoreWhenThatIsGone) {
  classes_.want(demandOf(1), {});
  EXPECT_TRUE(deliver({1, 1}));
  const sched::ClassId former = classes_.idOf(kKey);
  classes_.want(demandOf(1, kFours), {kKey});
  EXPECT_TRUE(deliver(kPairs, {1, 1}));
  classes_.retireFormer({});
  classes_.want(demandOf(1, kFours), {kKey});
  EXPECT_EQ(orders_.size(), 2U) << "the former has its memory still";
  classes_.retired(former);
  classes_.want(demandOf(1, kFours), {kKey});
  ASSERT_EQ(orders_.size(), 3U);
  EXPECT_FALSE(deliver(kPairs, {1, 1})) << "no better than what is there";
  classes_.want(demandOf(1, kFours), {kKey});
  EXPECT_EQ(orders_.size(), 3U);
}

TEST_F(ClassesTest, WhereJobsCannotGoTogetherThereIsASlotForEach) {
  classes_.want(demandOf(5, kPairs), {});
  EXPECT_EQ(orders_.back().wanted, (Counts{3, 3}));
  EXPECT_TRUE(deliver(Capacities{}, {3, 3}));
  classes_.want(demandOf(5, kPairs), {});
  ASSERT_EQ(orders_.size(), 2U);
  EXPECT_EQ(orders_.back().wanted, (Counts{5, 5}));
  EXPECT_FALSE(orders_.back().first);
}

}  // namespace
}  // namespace daris::runtime
