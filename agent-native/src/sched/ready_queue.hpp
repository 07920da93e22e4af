// The ready stages of one context, by level, then EDF (section IV-B): a treap over nodes shared by all
// queues. Each subtree knows the sum of its units' remaining MRETs, which the predicted finish of a newcomer
// asks for.
#pragma once

#include <compare>
#include <vector>

#include "sched/types.hpp"

namespace daris::sched {

/// The order of dispatch: the smaller key goes first. Level and unit stand last to be packed together.
struct ReadyKey {
  TimeUs virtualDeadlineUs = 0;
  TimeUs releaseUs = 0;
  std::uint64_t order = 0;  // of the task
  std::uint32_t unit = 0;   // only so that keys are never equal
  Level level = 0;

  friend constexpr bool operator==(const ReadyKey&, const ReadyKey&) = default;
  friend constexpr std::strong_ordering operator<=>(const ReadyKey& a, const ReadyKey& b) {
    if (a.level != b.level) return a.level <=> b.level;
    if (a.virtualDeadlineUs != b.virtualDeadlineUs) return a.virtualDeadlineUs <=> b.virtualDeadlineUs;
    if (a.releaseUs != b.releaseUs) return a.releaseUs <=> b.releaseUs;
    if (a.order != b.order) return a.order <=> b.order;
    return a.unit <=> b.unit;
  }
};

inline constexpr std::uint32_t kNoUnit = UINT32_MAX;

/// The nodes of all ready queues, one per unit; a unit is in at most one queue.
class ReadyNodes {
 public:
  void reserve(std::size_t units) {
    if (units > nodes_.size()) nodes_.resize(units);
  }

 private:
  friend class ReadyQueue;

  /// One cache line: with thousands of tasks every node on the way is one that must be fetched.
  struct alignas(64) Node {
    ReadyKey key;
    Wide sum = 0;              // of the subtree
    DurationUs remaining = 0;  // of this unit
    std::uint32_t left = kNoUnit;
    std::uint32_t right = kNoUnit;
  };
  static_assert(sizeof(Node) == 64);

  std::vector<Node> nodes_;
};

/// One queue. All operations are O(log n) and allocate nothing.
class ReadyQueue {
 public:
  [[nodiscard]] bool empty() const { return root_ == kNoUnit; }
  [[nodiscard]] std::uint32_t size() const { return size_; }

  /// The unit to dispatch first, or kNoUnit.
  [[nodiscard]] std::uint32_t best(const ReadyNodes& pool) const;

  /// Adds the unit `key.unit`, which must be in no queue.
  void insert(ReadyNodes& pool, const ReadyKey& key, DurationUs remainingUs);

  /// Removes a unit that is in this queue.
  void erase(ReadyNodes& pool, std::uint32_t unit);

  /// The key under which a unit was inserted.
  [[nodiscard]] static const ReadyKey& keyOf(const ReadyNodes& pool, std::uint32_t unit) {
    return pool.nodes_[unit].key;
  }

  /// Calls `visit(unit)` in order of dispatch for as long as it answers true.
  template <typename Visit>
  void inOrder(const ReadyNodes& pool, Visit visit) const {
    (void)inOrder(pool, root_, visit);
  }

  /// Sum of the remaining MRETs of all units.
  [[nodiscard]] Wide sumOf(const ReadyNodes& pool) const {
    return root_ == kNoUnit ? 0 : pool.nodes_[root_].sum;
  }

  /// Sum of the remaining MRETs of the units that go before `key`.
  [[nodiscard]] Wide sumBefore(const ReadyNodes& pool, const ReadyKey& key) const;

 private:
  template <typename Visit>
  static bool inOrder(const ReadyNodes& pool, std::uint32_t tree, Visit& visit) {
    if (tree == kNoUnit) return true;
    const auto& node = pool.nodes_[tree];
    return inOrder(pool, node.left, visit) && visit(tree) && inOrder(pool, node.right, visit);
  }

  std::uint32_t root_ = kNoUnit;
  std::uint32_t size_ = 0;
};

}  // namespace daris::sched
