// Who is due, against looking at all of them.
#include "runtime/timetable.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>

namespace daris::runtime {
namespace {

std::vector<TaskRecord*> pointers_to(std::deque<TaskRecord>& records) {
  std::vector<TaskRecord*> all;
  for (TaskRecord& record : records) all.push_back(&record);
  return all;
}

std::deque<TaskRecord> records_due_at(const std::vector<TimeUs>& instants) {
  std::deque<TaskRecord> records;
  for (const TimeUs at : instants) {
    TaskRecord& record = records.emplace_back();
    record.instance = records.size();
    record.dueUs = at;
  }
  return records;
}

TEST(TimetableTest, NobodyIsDueInAnEmptyOne) {
  Timetable table;
  EXPECT_EQ(table.nextUs(), kNever);
  EXPECT_TRUE(table.takeDue(1'000'000).empty());
}

TEST(TimetableTest, ThoseDueComeInOrderOfInstanceAndOnce) {
  auto records = records_due_at({30, 10, 20, 10});
  Timetable table;
  table.fill(pointers_to(records));
  EXPECT_EQ(table.nextUs(), 10);
  const auto due = table.takeDue(20);
  ASSERT_EQ(due.size(), 3U);
  for (std::size_t i = 0; i < due.size(); ++i) EXPECT_EQ(due[i]->instance, i + 2);
  for (TaskRecord* record : due) record->dueUs += 100;
  table.putBack();
  EXPECT_EQ(table.nextUs(), 30);
  EXPECT_EQ(table.takeDue(30).size(), 1U);
}

TEST(TimetableTest, IsAsLookingAtAllOfThem) {
  std::mt19937 random(7);
  const auto number = [&](TimeUs most) { return static_cast<TimeUs>(random() % most) + 1; };
  std::vector<TimeUs> instants(200);
  for (TimeUs& at : instants) at = number(1000);
  auto records = records_due_at(instants);
  Timetable table;
  table.fill(pointers_to(records));
  for (TimeUs now = 0; now < 20'000; now += number(30)) {
    std::vector<TaskRecord*> expected;
    for (TaskRecord& record : records) {
      if (record.dueUs <= now) expected.push_back(&record);
    }
    const auto due = table.takeDue(now);
    ASSERT_TRUE(std::ranges::equal(due, expected)) << now;
    for (TaskRecord* record : due) record->dueUs = now + number(1000);
    table.putBack();
    ASSERT_EQ(table.nextUs(), std::ranges::min(records, {}, &TaskRecord::dueUs).dueUs);
  }
}

}  // namespace
}  // namespace daris::runtime
