#include "runtime/slot_pool.hpp"

#include <algorithm>
#include <cassert>

namespace daris::runtime {

SlotPool::SlotPool(sched::ClassId classId, std::uint32_t contexts, std::uint32_t batch,
                   std::shared_ptr<engine::JobMemory> sample)
    : classId_(classId), batch_(batch), sample_(std::move(sample)), free_(contexts), sizes_(contexts, 0) {}

void SlotPool::add(std::unique_ptr<engine::Slot> slot) {
  const std::uint32_t context = slot->context();
  slots_.push_back(std::make_unique<PooledSlot>(std::move(slot)));
  free_[context].reserve(++sizes_[context]);
  free_[context].push_back(slots_.back().get());
}

PooledSlot* SlotPool::take(std::uint32_t context, std::uint64_t inputs) {
  std::vector<PooledSlot*>& free = free_[context];
  assert(!free.empty());
  const auto match = std::ranges::find(free, inputs, &PooledSlot::firstHolds);
  if (match != free.end()) std::swap(*match, free.back());
  PooledSlot* slot = free.back();
  free.pop_back();
  ++taken_;
  return slot;
}

void SlotPool::giveBack(PooledSlot* slot) {
  slot->slot->vacate();
  free_[slot->slot->context()].push_back(slot);
  --taken_;
}

SlotPool::Contents SlotPool::empty() {
  assert(taken_ == 0);
  Contents contents{{}, std::move(sample_)};
  for (auto& pooled : slots_) contents.slots.push_back(std::move(pooled->slot));
  slots_.clear();
  for (auto& free : free_) free.clear();
  std::ranges::fill(sizes_, 0);
  return contents;
}

std::uint32_t SlotPool::formOf(const PooledSlot& slot, std::uint32_t capacity) const {
  const auto batches = slot.slot->batches();
  const auto found = std::ranges::find(batches, batch_ * capacity);
  assert(found != batches.end());
  return static_cast<std::uint32_t>(found - batches.begin());
}

}  // namespace daris::runtime
