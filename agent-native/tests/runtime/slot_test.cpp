// How many slots tasks need, and when classes get and lose them.
#include <gtest/gtest.h>

#include "runtime/classes.hpp"

namespace daris::runtime {
namespace {

using sched::Priority;
using Counts = std::vector<std::uint32_t>;
const ClassKey kKey{"d", 1};

TEST(SlotDemand, HighPriorityNeedsOneWhereItIsAndLowPriorityOneEverywhere) {
  SlotDemand demand(3);
  demand.add(kKey, Priority::High, 1);
  demand.add(kKey, Priority::Low, 0);
  demand.add(kKey, Priority::Low, 2);
  EXPECT_EQ(demand.byClass().at(kKey), (Counts{2, 3, 2}));
}

class ClassesTest : public testing::Test {
 protected:
  static SlotDemand demandOf(int lowTasks) {
    SlotDemand demand(2);
    for (int i = 0; i < lowTasks; ++i) demand.add(kKey, Priority::Low, 0);
    return demand;
  }

  struct Order {
    Counts have;
    Counts wanted;
  };
  std::vector<Order> orders_;
  std::vector<sched::ClassId> retired_;
  Classes classes_{[this](const ClassKey&, sched::ClassId, Counts have, Counts wanted) {
                     orders_.push_back({std::move(have), std::move(wanted)});
                   },
                   [this](sched::ClassId id) { retired_.push_back(id); }};
};

TEST_F(ClassesTest, OrdersWhatIsMissingOnce) {
  classes_.want(demandOf(1), {});
  classes_.want(demandOf(1), {});
  ASSERT_EQ(orders_.size(), 1U);
  EXPECT_EQ(classes_.stateFor(kKey, Priority::Low, 0), Classes::State::Pending);
  classes_.delivered(kKey, {1, 1}, "");
  EXPECT_EQ(classes_.stateFor(kKey, Priority::Low, 0), Classes::State::Ready);
  classes_.want(demandOf(2), {});
  ASSERT_EQ(orders_.size(), 2U);
  EXPECT_EQ(orders_[1].have, (Counts{1, 1}));
  EXPECT_EQ(orders_[1].wanted, (Counts{2, 2}));
}

TEST_F(ClassesTest, FewerSlotsThanTasksIsReadyAndNotOrderedAgain) {
  classes_.want(demandOf(5), {});
  classes_.delivered(kKey, {2, 1}, "");
  classes_.want(demandOf(5), {});
  EXPECT_EQ(orders_.size(), 1U);
  EXPECT_EQ(classes_.stateFor(kKey, Priority::Low, 0), Classes::State::Ready);
}

TEST_F(ClassesTest, RemarksOnSlotsAreKeptEachOnce) {
  classes_.want(demandOf(1), {});
  EXPECT_EQ(classes_.remarksOn(kKey), "");
  classes_.delivered(kKey, {1, 1}, "", {"b is odd", "a is odd"});
  classes_.want(demandOf(2), {});
  classes_.delivered(kKey, {1, 1}, "", {"b is odd"});
  EXPECT_EQ(classes_.remarksOn(kKey), "a is odd; b is odd");
}

TEST_F(ClassesTest, AContextWithoutAnySlotIsAFaultUntilForgiven) {
  classes_.want(demandOf(1), {});
  classes_.delivered(kKey, {1, 0}, "no memory");
  EXPECT_EQ(classes_.stateFor(kKey, Priority::Low, 0), Classes::State::Faulty);
  EXPECT_EQ(classes_.stateFor(kKey, Priority::High, 0), Classes::State::Ready);
  EXPECT_EQ(classes_.faultOf(kKey), "no memory");
  classes_.forgive();
  classes_.want(demandOf(1), {});
  EXPECT_EQ(orders_.size(), 2U);
}

TEST_F(ClassesTest, IsRetiredWhenNeitherInDemandNorUsedNorOrdered) {
  classes_.want(demandOf(1), {});
  classes_.want(SlotDemand(2), {});
  EXPECT_TRUE(retired_.empty()) << "an order is under way";
  classes_.delivered(kKey, {1, 1}, "");
  classes_.want(SlotDemand(2), {kKey});
  EXPECT_TRUE(retired_.empty()) << "a task still runs on it";
  classes_.want(SlotDemand(2), {});
  ASSERT_EQ(retired_.size(), 1U);
  EXPECT_FALSE(classes_.empty());
  classes_.retired(retired_[0]);
  EXPECT_TRUE(classes_.empty());
}

}  // namespace
}  // namespace daris::runtime
