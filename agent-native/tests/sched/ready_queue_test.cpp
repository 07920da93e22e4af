// The ready queue against a sorted list: order, sums of what goes before, at sizes where the tree is deep.
#include "sched/ready_queue.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace daris::sched {
namespace {

TEST(ReadyQueue, AgreesWithASortedListAtEveryStep) {
  constexpr std::uint32_t kUnits = 300;
  ReadyNodes nodes;
  nodes.reserve(kUnits);
  ReadyQueue queue;
  std::map<ReadyKey, DurationUs> sorted;
  std::mt19937 random(3);
  const auto keyFor = [&](std::uint32_t unit) {
    return ReadyKey{static_cast<TimeUs>(random() % 50), static_cast<TimeUs>(random() % 3), random() % 4, unit,
                    static_cast<Level>(random() % 8)};
  };
  std::vector<std::uint32_t> idle(kUnits);
  for (std::uint32_t unit = 0; unit < kUnits; ++unit) idle[unit] = unit;
  for (int step = 0; step < 20000; ++step) {
    if (!idle.empty() && (sorted.empty() || random() % 2 == 0)) {
      const ReadyKey key = keyFor(idle.back());
      idle.pop_back();
      const DurationUs remainingUs = 1 + random() % 1000;
      queue.insert(nodes, key, remainingUs);
      sorted.emplace(key, remainingUs);
    } else {
      const auto victim =
          random() % 2 == 0 ? sorted.begin() : std::next(sorted.begin(), random() % sorted.size());
      queue.erase(nodes, victim->first.unit);
      idle.push_back(victim->first.unit);
      sorted.erase(victim);
    }
    ASSERT_EQ(queue.size(), sorted.size());
    ASSERT_EQ(queue.best(nodes), sorted.empty() ? kNoUnit : sorted.begin()->first.unit);
    const ReadyKey probe = keyFor(0);
    Wide sum = 0;
    for (auto at = sorted.begin(); at != sorted.end() && at->first < probe; ++at) sum += at->second;
    ASSERT_TRUE(queue.sumBefore(nodes, probe) == sum) << "step " << step;
  }
}

}  // namespace
}  // namespace daris::sched
