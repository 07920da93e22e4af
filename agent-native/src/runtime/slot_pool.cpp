#include "runtime/slot_pool.hpp"

#include <algorithm>
#include <cassert>

namespace daris::runtime {

SlotPool::SlotPool(sched::ClassId classId, std::uint32_t contexts, std::shared_ptr<const SampleInputs> sample)
    : classId_(classId), sample_(std::move(sample)), free_(contexts), sizes_(contexts, 0) {}

void SlotPool::add(std::unique_ptr<engine::Slot> slot) {
  const std::uint32_t context = slot->context();
  slots_.push_back(std::make_unique<PooledSlot>(std::move(slot)));
  free_[context].reserve(++sizes_[context]);
  free_[context].push_back(slots_.back().get());
}

PooledSlot* SlotPool::take(std::uint32_t context, std::uint64_t input) {
  std::vector<PooledSlot*>& free = free_[context];
  assert(!free.empty());
  const auto match = std::ranges::find(free, input, &PooledSlot::holds);
  if (match != free.end()) std::swap(*match, free.back());
  PooledSlot* slot = free.back();
  free.pop_back();
  ++taken_;
  return slot;
}

void SlotPool::giveBack(PooledSlot* slot) {
  free_[slot->slot->context()].push_back(slot);
  --taken_;
}

std::vector<std::unique_ptr<engine::Slot>> SlotPool::empty() {
  assert(idle());
  std::vector<std::unique_ptr<engine::Slot>> slots;
  for (auto& pooled : slots_) slots.push_back(std::move(pooled->slot));
  slots_.clear();
  for (auto& free : free_) free.clear();
  std::ranges::fill(sizes_, 0);
  return slots;
}

}  // namespace daris::runtime
