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

}  // namespace
}  // namespace daris::runtime
