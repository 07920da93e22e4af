// Insert splits, erase merges; both repair the sums on the way.
#include "sched/ready_queue.hpp"

namespace daris::sched {

namespace {

/// A unit's place in the heap: the treap's balance, never an order of dispatch. As good as random, since it
/// depends on the unit's number alone and has nothing to do with keys.
std::uint32_t heightOf(std::uint32_t unit) {
  unit = (unit ^ (unit >> 16)) * 0x85ebca6b;
  unit = (unit ^ (unit >> 13)) * 0xc2b2ae35;
  return unit ^ (unit >> 16);
}

template <typename Nodes>
void pull(Nodes& nodes, std::uint32_t at) {
  auto& node = nodes[at];
  node.sum = node.remaining;
  if (node.left != kNoUnit) node.sum += nodes[node.left].sum;
  if (node.right != kNoUnit) node.sum += nodes[node.right].sum;
}

/// Divides a tree into what goes before `key` and the rest.
template <typename Nodes>
void split(Nodes& nodes, std::uint32_t tree, const ReadyKey& key, std::uint32_t& before,
           std::uint32_t& after) {
  if (tree == kNoUnit) {
    before = after = kNoUnit;
    return;
  }
  if (nodes[tree].key < key) {
    before = tree;
    split(nodes, nodes[tree].right, key, nodes[tree].right, after);
  } else {
    after = tree;
    split(nodes, nodes[tree].left, key, before, nodes[tree].left);
  }
  pull(nodes, tree);
}

/// Joins two trees of which all of `before` goes before all of `after`.
template <typename Nodes>
std::uint32_t merge(Nodes& nodes, std::uint32_t before, std::uint32_t after) {
  if (before == kNoUnit) return after;
  if (after == kNoUnit) return before;
  const bool beforeOnTop = heightOf(before) > heightOf(after);
  const std::uint32_t top = beforeOnTop ? before : after;
  if (beforeOnTop) {
    nodes[before].right = merge(nodes, nodes[before].right, after);
  } else {
    nodes[after].left = merge(nodes, before, nodes[after].left);
  }
  pull(nodes, top);
  return top;
}

}  // namespace

std::uint32_t ReadyQueue::best(const ReadyNodes& pool) const {
  if (root_ == kNoUnit) return kNoUnit;
  std::uint32_t at = root_;
  while (pool.nodes_[at].left != kNoUnit) at = pool.nodes_[at].left;
  return at;
}

void ReadyQueue::insert(ReadyNodes& pool, const ReadyKey& key, DurationUs remainingUs) {
  auto& nodes = pool.nodes_;
  auto& node = nodes[key.unit];
  node.key = key;
  node.remaining = remainingUs;
  const std::uint32_t height = heightOf(key.unit);
  std::uint32_t* link = &root_;
  while (*link != kNoUnit && heightOf(*link) >= height) {
    auto& above = nodes[*link];
    above.sum += remainingUs;
    link = key < above.key ? &above.left : &above.right;
  }
  split(nodes, *link, key, node.left, node.right);
  *link = key.unit;
  pull(nodes, key.unit);
  ++size_;
}

void ReadyQueue::erase(ReadyNodes& pool, std::uint32_t unit) {
  auto& nodes = pool.nodes_;
  const auto& node = nodes[unit];
  std::uint32_t* link = &root_;
  while (*link != unit) {
    auto& above = nodes[*link];
    above.sum -= node.remaining;
    link = node.key < above.key ? &above.left : &above.right;
  }
  *link = merge(nodes, node.left, node.right);
  --size_;
}

Wide ReadyQueue::sumBefore(const ReadyNodes& pool, const ReadyKey& key) const {
  Wide sum = 0;
  std::uint32_t at = root_;
  while (at != kNoUnit) {
    const auto& node = pool.nodes_[at];
    if (!(node.key < key)) {
      at = node.left;
      continue;
    }
    sum += node.remaining;
    if (node.left != kNoUnit) sum += pool.nodes_[node.left].sum;
    at = node.right;
  }
  return sum;
}

}  // namespace daris::sched
