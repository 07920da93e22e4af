// The ring of records: what it holds, and what a reader sees while it is written.
#include "trace/ring.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace daris::trace {
namespace {

/// All fields that a reader could see torn follow from the number.
Record numbered(std::uint64_t number) {
  Record record;
  record.kind = Kind::Admit;
  record.nowUs = static_cast<TimeUs>(number) * 10;
  record.task = number;
  record.job = ~number;
  record.context = static_cast<std::uint32_t>(number);
  const auto value = static_cast<std::int64_t>(number);
  record.admit = {value, -value, 3 * value, value + 7, true};
  return record;
}

bool isWhole(const Record& record) {
  const Record expected = numbered(record.task);
  return record.nowUs == expected.nowUs && record.job == expected.job && record.context == expected.context &&
         record.admit.util == expected.admit.util && record.admit.active == expected.admit.active &&
         record.admit.remaining == expected.admit.remaining &&
         record.admit.deadlineUs == expected.admit.deadlineUs;
}

TEST(Ring, GivesBackWhatWasWritten) {
  Ring ring(5);
  EXPECT_EQ(ring.capacity(), 8U);
  EXPECT_TRUE(ring.readFrom(0).records.empty());
  for (std::uint64_t i = 0; i < 8; ++i) ring.write(numbered(i));
  const Extract all = ring.readFrom(0);
  ASSERT_EQ(all.records.size(), 8U);
  for (std::uint64_t i = 0; i < 8; ++i) {
    EXPECT_EQ(all.records[i].task, i);
    EXPECT_TRUE(isWhole(all.records[i]));
  }
  EXPECT_EQ(all.first, 0U);
  EXPECT_EQ(all.overwritten, 0U);
}

TEST(Ring, KeepsTheNewestWhenItIsFull) {
  Ring ring(8);
  for (std::uint64_t i = 0; i < 21; ++i) ring.write(numbered(i));
  const Extract held = ring.readSince(INT64_MIN);
  ASSERT_EQ(held.records.size(), 8U);
  EXPECT_EQ(held.first, 13U);
  EXPECT_EQ(held.overwritten, 0U) << "what was never there to be read is told by `first`";
  EXPECT_EQ(held.records.front().task, 13U);
  EXPECT_EQ(held.records.back().task, 20U);
  const Extract asked = ring.readFrom(10);
  EXPECT_EQ(asked.first, 13U);
  EXPECT_EQ(asked.overwritten, 3U);
}

TEST(Ring, ReadsFromAnInstantOn) {
  Ring ring(8);
  for (std::uint64_t i = 0; i < 12; ++i) ring.write(numbered(i));  // 4 to 11 are held, 10 us apart
  for (const auto& [sinceUs, first] : {std::pair{0, 4}, {40, 4}, {41, 5}, {70, 7}, {110, 11}})
    EXPECT_EQ(ring.readSince(sinceUs).records.front().task, static_cast<std::uint64_t>(first)) << sinceUs;
  EXPECT_TRUE(ring.readSince(111).records.empty());
}

TEST(Ring, AReaderSeesWholeRecordsWithoutGapsWhileTheyAreOverwritten) {
  constexpr std::uint64_t kRecords = 100'000;
  Ring ring(256);
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (std::uint64_t i = 0; i < kRecords; ++i) {
      ring.write(numbered(i));
      if (i % 64 == 0) std::this_thread::yield();  // so that the reader gets something on one core, too
    }
    done = true;
  });
  std::uint64_t extracts = 0, wrong = 0, gaps = 0, seen = 0;
  for (bool last = false; !last;) {
    last = done;
    const Extract extract = ring.readSince(INT64_MIN);
    ++extracts;
    for (std::size_t i = 0; i < extract.records.size(); ++i) {
      wrong += !isWhole(extract.records[i]);
      gaps += extract.records[i].task != extract.first + i;
      ++seen;
    }
  }
  writer.join();
  EXPECT_EQ(wrong, 0U);
  EXPECT_EQ(gaps, 0U);
  EXPECT_GE(seen, 256U);
  EXPECT_GT(extracts, 1U);
  EXPECT_EQ(ring.readSince(INT64_MIN).records.back().task, kRecords - 1);
}

}  // namespace
}  // namespace daris::trace
