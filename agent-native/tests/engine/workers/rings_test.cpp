// The rings and the doorbell between a runtime and a worker: nothing is lost, torn or slept through.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <deque>
#include <future>
#include <random>
#include <thread>

#include "engine/workers/channel.hpp"
#include "engine/workers/mailbox.hpp"

namespace daris::engine::workers {
namespace {

constexpr auto kPatience = std::chrono::seconds(120);

struct Pair {
  std::uint64_t first;
  std::uint64_t second;
};

TEST(SharedRing, ZeroedMemoryIsAnEmptyRing) {
  const SharedMemory memory(sizeof(Mailbox));
  Mailbox& mailbox = mailbox_in(memory);
  EXPECT_TRUE(mailbox.serving.launches.empty());
  EXPECT_EQ(mailbox.measuring.ends.pop(), std::nullopt);
}

// Against a plain queue: whatever the order of pushes and pops, over many times its length.
TEST(SharedRing, KeepsOrderOverItsEndAndSaysWhenFull) {
  SharedRing<int, 8> ring;
  std::deque<int> expected;
  std::minstd_rand random(1);
  for (int i = 0; i < 10'000; ++i) {
    if (random() % 2 == 0) {
      const bool has_room = expected.size() < 8;
      ASSERT_EQ(ring.push(i), has_room);
      if (has_room) expected.push_back(i);
    } else if (expected.empty()) {
      ASSERT_TRUE(ring.empty());
      ASSERT_EQ(ring.pop(), std::nullopt);
    } else {
      ASSERT_EQ(ring.pop(), expected.front());
      expected.pop_front();
    }
  }
}

TEST(SharedRing, NothingIsLostOrTornBetweenTwoMappings) {
  constexpr std::uint64_t kValues = 100'000;
  using Ring = SharedRing<Pair, 8>;
  const SharedMemory ours(sizeof(Ring));
  const SharedMemory theirs(UniqueFd(::dup(ours.fd())));
  ASSERT_NE(ours.bytes().data(), theirs.bytes().data());
  auto& to = *reinterpret_cast<Ring*>(ours.bytes().data());
  auto& from = *reinterpret_cast<Ring*>(theirs.bytes().data());
  std::thread producer([&to] {
    for (std::uint64_t i = 0; i < kValues; ++i) {
      while (!to.push({i, ~i})) std::this_thread::yield();
    }
  });
  std::uint64_t wrong = 0;
  for (std::uint64_t expected = 0; expected < kValues;) {
    const auto value = from.pop();
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

/// Two threads that wake each other end up on one core, where they never meet: each is given one of its own.
void keep_to_core(std::size_t number) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  (void)::sched_getaffinity(0, sizeof allowed, &allowed);
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (!CPU_ISSET(core, &allowed) || number-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    (void)::pthread_setaffinity_np(::pthread_self(), sizeof one, &one);
    return;
  }
}

// Two threads that each sleep until the other rings, so that one wake-up lost would stop both for ever.
TEST(Doorbell, NoRingIsLost) {
  constexpr std::uint64_t kTurns = 100'000;
  struct Side {
    SharedRing<std::uint64_t, 2> ring;
    Doorbell bell;
  };
  const SharedMemory memory(2 * sizeof(Side));
  auto* const sides = reinterpret_cast<Side*>(memory.bytes().data());
  const auto play = [sides](std::size_t own, bool begins) {
    keep_to_core(own);
    Side& mine = sides[own];
    Side& other = sides[1 - own];
    std::minstd_rand random(static_cast<unsigned>(own) + 1);
    // At times a side is about to sleep when the other rings, at times it sleeps, at times it has not begun
    // to.
    const auto dawdle = [&random] {
      for (auto i = random() % 1000; i > 0; --i) std::atomic_signal_fence(std::memory_order_seq_cst);
    };
    const auto say = [&](std::uint64_t turn) {
      dawdle();
      ASSERT_TRUE(other.ring.push(turn));
      other.bell.ring();
      dawdle();
    };
    if (begins) say(0);
    for (std::uint64_t turn = 0; turn < kTurns; ++turn) {
      std::optional<std::uint64_t> heard;
      while (!(heard = mine.ring.pop())) mine.bell.sleep([&mine] { return !mine.ring.empty(); });
      ASSERT_EQ(*heard, turn);
      if (!begins || turn + 1 < kTurns) say(begins ? turn + 1 : turn);
    }
  };
  auto first = std::async(std::launch::async, play, 0, true);
  auto second = std::async(std::launch::async, play, 1, false);
  ASSERT_EQ(first.wait_for(kPatience), std::future_status::ready) << "a ring was lost";
  ASSERT_EQ(second.wait_for(kPatience), std::future_status::ready);
}

TEST(Channel, CarriesDescriptorsAndSaysWhenTheOtherSideIsGone) {
  auto [ours, theirs] = Channel::make_ends();
  Channel channel(std::move(ours));
  {
    Channel other(std::move(theirs));
    const SharedMemory memory(4096);
    memory.bytes()[7] = std::byte{42};
    channel.send({{"call", "look"}}, memory.fd());
    auto message = other.receive();
    ASSERT_TRUE(message);
    EXPECT_EQ(message->body.at("call"), "look");
    EXPECT_EQ(SharedMemory(std::move(message->fd)).bytes()[7], std::byte{42});
    EXPECT_FALSE(channel.wait(0));
  }
  EXPECT_FALSE(channel.receive());
  EXPECT_THROW(channel.send({{"call", "look"}}), ChannelClosed);
}

TEST(Channel, WhatIsNoMessageIsRefused) {
  auto [ours, theirs] = Channel::make_ends();
  ASSERT_EQ(::write(ours.get(), "{]", 2), 2);
  EXPECT_THROW((void)Channel(std::move(theirs)).receive(), std::runtime_error);
}

TEST(SharedMemory, MemoryThatCanShrinkIsNotMapped) {
  UniqueFd fd(::memfd_create("unsealed", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(fd.get(), 4096), 0);
  EXPECT_THROW(SharedMemory(std::move(fd)), std::runtime_error);
}

}  // namespace
}  // namespace daris::engine::workers
