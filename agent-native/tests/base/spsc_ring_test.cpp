// The queue between one thread and one other.
#include "base/spsc_ring.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <thread>

namespace daris {
namespace {

TEST(SpscRing, KeepsOrderAndSaysWhenFull) {
  SpscRing<int> ring(3);  // rounded up to 4
  EXPECT_EQ(ring.pop(), std::nullopt);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(ring.push(i));
  EXPECT_FALSE(ring.push(4));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(ring.pop(), i);
  EXPECT_EQ(ring.pop(), std::nullopt);
  EXPECT_TRUE(ring.push(5));
  EXPECT_EQ(ring.pop(), 5);
}

TEST(SpscRing, NothingIsLostOrTornBetweenThreads) {
  struct Pair {
    std::uint64_t first;
    std::uint64_t second;
  };
  constexpr std::uint64_t kValues = 200'000;
  SpscRing<Pair> ring(8);
  std::thread producer([&ring] {
    for (std::uint64_t i = 0; i < kValues; ++i) {
      while (!ring.push({i, ~i})) std::this_thread::yield();
    }
  });
  std::uint64_t expected = 0;
  std::uint64_t wrong = 0;
  while (expected < kValues) {
    const auto value = ring.pop();
    if (!value) {
      std::this_thread::yield();
      continue;
    }
    if (value->first != expected || value->second != ~expected) ++wrong;
    ++expected;
  }
  producer.join();
  EXPECT_EQ(wrong, 0U);
}

}  // namespace
}  // namespace daris
