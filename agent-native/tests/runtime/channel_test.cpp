// The queues and the buffer that threads meet at, under load; meant for the thread sanitizer too.
#include "runtime/channel.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/triple_buffer.hpp"

namespace daris::runtime {
namespace {

constexpr int kProducers = 4;
constexpr int kEach = 20'000;

TEST(BoundedQueue, RefusesWhatDoesNotFitAndLeavesItUntouched) {
  BoundedQueue<std::unique_ptr<int>> queue(2);
  EXPECT_TRUE(queue.tryPush(std::make_unique<int>(1)));
  EXPECT_TRUE(queue.tryPush(std::make_unique<int>(2)));
  auto third = std::make_unique<int>(3);
  EXPECT_FALSE(queue.tryPush(std::move(third)));
  ASSERT_NE(third, nullptr);
  EXPECT_EQ(**queue.tryPop(), 1);
  EXPECT_TRUE(queue.tryPush(std::move(third)));
  EXPECT_EQ(**queue.tryPop(), 2);
  EXPECT_EQ(**queue.tryPop(), 3);
  EXPECT_FALSE(queue.tryPop().has_value());
}

/// Without the channel's eventfd, which would order the threads' accesses by itself.
TEST(BoundedQueue, ManyProducersLoseNothingAndKeepTheirOrder) {
  BoundedQueue<std::pair<int, int>> queue(64);
  std::vector<std::jthread> producers;
  for (int producer = 0; producer < kProducers; ++producer) {
    producers.emplace_back([&queue, producer] {
      for (int i = 0; i < kEach; ++i)
        while (!queue.tryPush({producer, i})) std::this_thread::yield();
    });
  }
  std::vector<int> next(kProducers, 0);
  for (int received = 0; received < kProducers * kEach;) {
    const auto value = queue.tryPop();
    if (!value) {
      std::this_thread::yield();
      continue;
    }
    EXPECT_EQ(value->second, next[static_cast<std::size_t>(value->first)]++);
    ++received;
  }
}

TEST(Channel, ManyWritersLoseNothingAndKeepTheirOrder) {
  Channel<std::pair<int, int>> channel(64);
  std::vector<std::jthread> writers;
  for (int producer = 0; producer < kProducers; ++producer) {
    writers.emplace_back([&channel, producer] {
      for (int i = 0; i < kEach; ++i) channel.send({producer, i});
    });
  }
  std::vector<int> next(kProducers, 0);
  for (int received = 0; received < kProducers * kEach;) {
    pollfd readable{channel.fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&readable, 1, 20'000), 1) << "a wake-up was lost after " << received;
    channel.clear();
    while (const auto value = channel.tryReceive()) {
      EXPECT_EQ(value->second, next[static_cast<std::size_t>(value->first)]++);
      ++received;
    }
  }
}

TEST(TripleBuffer, TheReaderSeesWholeValuesThatOnlyGetNewer) {
  struct Pair {
    std::vector<int> values = std::vector<int>(16, 0);
  };
  TripleBuffer<Pair> buffer;
  std::atomic<bool> done{false};
  std::jthread writer([&] {
    for (int i = 1; i <= kEach; ++i) {
      buffer.back().values.assign(16, i);
      buffer.publish();
    }
    done = true;
  });
  int last = 0;
  while (last < kEach) {
    const bool ended = done;
    if (!buffer.refresh()) {
      ASSERT_FALSE(ended && last < kEach) << "the newest value was lost";
      std::this_thread::yield();
      continue;
    }
    const std::vector<int>& values = buffer.front().values;
    EXPECT_EQ(values.front(), values.back());
    EXPECT_GE(values.front(), last);
    last = values.front();
  }
}

}  // namespace
}  // namespace daris::runtime
