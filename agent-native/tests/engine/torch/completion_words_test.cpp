// Launches and the words that tell of their ends, with the test as the GPU.
#include "engine/torch/completion_words.hpp"

#include <gtest/gtest.h>

#include <array>

namespace daris::engine::torch {
namespace {

constexpr std::size_t kStreams = 3;

class NamedSlot : public Slot {
 public:
  [[nodiscard]] std::uint32_t context() const override { return 1; }
  [[nodiscard]] std::span<const std::uint32_t> batches() const override { return {}; }
  [[nodiscard]] std::span<std::byte> input(std::size_t) override { return {}; }
  [[nodiscard]] std::span<const std::byte> output(std::size_t) const override { return {}; }
  [[nodiscard]] std::uint64_t memory_bytes() const override { return 0; }
  void seat(std::uint32_t, JobMemory&, bool) override {}
  void collect(std::uint32_t, JobMemory&) override {}
};

class LaunchBookTest : public testing::Test {
 protected:
  std::uint32_t begin(std::size_t stream, std::uint64_t tag, std::int64_t now_us = 100) {
    return book_.begin(stream, {.slot = &slot_, .stage = 2, .stream = 0, .tag = tag}, now_us);
  }
  std::vector<Completion> take(std::int64_t now_us = 200, std::size_t room = kStreams) {
    std::vector<Completion> completions(room);
    completions.resize(book_.take(completions, now_us));
    return completions;
  }

  NamedSlot slot_;
  std::array<CompletionWord, kStreams> words_{};
  LaunchBook book_{words_};
};

TEST_F(LaunchBookTest, AStageHasEndedOnceItsWordShowsItsNumber) {
  const std::uint32_t number = begin(1, 7);
  EXPECT_FALSE(book_.idle());
  EXPECT_TRUE(take().empty());
  words_[1].value = number;
  const auto ended = take(250);
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].tag, 7U);
  EXPECT_EQ(ended[0].slot, &slot_);
  EXPECT_EQ(ended[0].context, 1U);
  EXPECT_EQ(ended[0].stage, 2U);
  EXPECT_EQ(ended[0].started_us, 100);
  EXPECT_EQ(ended[0].finished_us, 250);
  EXPECT_EQ(ended[0].error, nullptr);
  EXPECT_TRUE(book_.idle());
  EXPECT_TRUE(take().empty());
}

TEST_F(LaunchBookTest, TheWordOfTheLaunchBeforeIsNotTakenForThisOnes) {
  words_[0].value = begin(0, 1);
  ASSERT_EQ(take().size(), 1U);
  (void)begin(0, 2);
  EXPECT_TRUE(take().empty());
}

TEST_F(LaunchBookTest, StreamsEndInAnyOrder) {
  const std::uint32_t first = begin(0, 1);
  words_[2].value = begin(2, 3);
  ASSERT_EQ(take().at(0).tag, 3U);
  words_[0].value = first;
  EXPECT_EQ(take().at(0).tag, 1U);
}

TEST_F(LaunchBookTest, MoreEndsThanThereIsRoomForWait) {
  for (std::size_t stream = 0; stream < kStreams; ++stream) words_[stream].value = begin(stream, stream);
  EXPECT_EQ(take(200, 2).size(), 2U);
  EXPECT_EQ(take(200, 2).size(), 1U);
}

TEST_F(LaunchBookTest, ALaunchThatCouldNotBeMadeEndsWithItsError) {
  (void)begin(0, 1);
  book_.fail(0, "no");
  const auto ended = take();
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_STREQ(ended[0].error, "no");
  const std::uint32_t next = begin(0, 2);
  EXPECT_TRUE(take().empty());
  words_[0].value = next;
  EXPECT_EQ(take().at(0).error, nullptr);
}

TEST_F(LaunchBookTest, FindsAStageThatTakesTooLong) {
  (void)begin(1, 1, 100);
  words_[2].value = begin(2, 2, 500);
  EXPECT_EQ(book_.older_than(100), std::nullopt);
  EXPECT_EQ(book_.older_than(101), std::optional<std::size_t>(1));
  book_.fail(1, "no");
  EXPECT_EQ(book_.older_than(101), std::nullopt);
}

}  // namespace
}  // namespace daris::engine::torch
