#include "gpu/queue_rule.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <tuple>

namespace daris::bench {
namespace {

/// For heaps: the best job is on top.
bool goes_after(const WaitingJob& a, const WaitingJob& b) {
  return std::tuple(!a.high, a.deadline_us, a.task) > std::tuple(!b.high, b.deadline_us, b.task);
}

void move_front(std::deque<WaitingJob>& from, std::size_t count, std::vector<WaitingJob>& to) {
  const auto end = from.begin() + static_cast<std::ptrdiff_t>(std::min(count, from.size()));
  to.insert(to.end(), from.begin(), end);
  from.erase(from.begin(), end);
}

}  // namespace

FreeLaneRule::FreeLaneRule(const std::vector<std::uint32_t>& most) {
  for (const std::uint32_t each : most) queues_.push_back({.most = each});
}

void FreeLaneRule::enqueue(const WaitingJob& job) {
  auto& heap = queues_[job.class_index].heap;
  heap.push_back(job);
  std::ranges::push_heap(heap, goes_after);
}

FreeLaneRule::Queue* FreeLaneRule::best() {
  Queue* found = nullptr;
  for (Queue& queue : queues_) {
    if (queue.heap.empty()) continue;
    if (found == nullptr || goes_after(found->heap.front(), queue.heap.front())) found = &queue;
  }
  return found;
}

void FreeLaneRule::take(TimeUs /*now*/, std::vector<WaitingJob>& unit) {
  unit.clear();
  Queue* queue = best();
  if (queue == nullptr) return;
  while (unit.size() < queue->most && !queue->heap.empty()) {
    std::ranges::pop_heap(queue->heap, goes_after);
    unit.push_back(queue->heap.back());
    queue->heap.pop_back();
  }
}

std::vector<WaitingJob> FreeLaneRule::leftover() {
  std::vector<WaitingJob> left;
  for (Queue& queue : queues_) {
    left.insert(left.end(), queue.heap.begin(), queue.heap.end());
    queue.heap.clear();
  }
  return left;
}

TritonRule::TritonRule(TritonTerms terms) : terms_(std::move(terms)) {
  if (terms_.preferred_batch_size.empty()) terms_.preferred_batch_size = {terms_.max_batch_size};
  const std::uint32_t largest = *terms_.preferred_batch_size.rbegin();
  if (largest > terms_.max_batch_size)
    throw std::invalid_argument("preferred batch size " + std::to_string(largest) + " is over the largest, " +
                                std::to_string(terms_.max_batch_size));
}

void TritonRule::enqueue(const WaitingJob& job) {
  (job.high ? high_ : low_).push_back(job);
}

void TritonRule::take(TimeUs now, std::vector<WaitingJob>& unit) {
  unit.clear();
  const std::size_t count = batch(now);
  move_front(high_, count, unit);
  move_front(low_, count - unit.size(), unit);
}

/// How many requests are sent now.
std::size_t TritonRule::batch(TimeUs now) const {
  const std::size_t waiting = high_.size() + low_.size();
  const std::size_t pending = std::min<std::size_t>(waiting, terms_.max_batch_size);
  if (pending == 0) return 0;
  const DurationUs delay = terms_.max_queue_delay_us;
  const bool waited = delay != 0 && now - oldest(pending) >= delay;
  const auto beyond = terms_.preferred_batch_size.upper_bound(static_cast<std::uint32_t>(pending));
  const bool fills = beyond != terms_.preferred_batch_size.begin();
  if (fills && !waited) return *std::prev(beyond);
  const bool whole = waiting > terms_.max_batch_size || pending >= *terms_.preferred_batch_size.rbegin();
  return whole || waited || delay == 0 ? pending : 0;
}

/// When the one that has waited longest among the first ones came.
TimeUs TritonRule::oldest(std::size_t pending) const {
  if (high_.empty()) return low_.front().release_us;
  if (low_.empty() || pending <= high_.size()) return high_.front().release_us;
  return std::min(high_.front().release_us, low_.front().release_us);
}

std::vector<WaitingJob> TritonRule::leftover() {
  std::vector<WaitingJob> left;
  move_front(high_, high_.size(), left);
  move_front(low_, low_.size(), left);
  return left;
}

}  // namespace daris::bench
