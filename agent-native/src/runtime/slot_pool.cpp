#include "runtime/slot_pool.hpp"

#include <algorithm>
#include <cassert>

namespace daris::runtime {

SlotPool::SlotPool(sched::ClassId classId, std::uint32_t contexts, std::shared_ptr<const SampleInputs> sample)
    : classId_(classId), contexts_(contexts), sample_(std::move(sample)) {}

SlotPool::Shelf* SlotPool::find(std::uint32_t capacity) {
  const auto found = std::ranges::find(shelves_, capacity, &Shelf::capacity);
  return found == shelves_.end() ? nullptr : &*found;
}

void SlotPool::add(std::unique_ptr<engine::Slot> slot, std::uint32_t capacity) {
  const std::uint32_t context = slot->context();
  Shelf* shelf = find(capacity);
  if (shelf == nullptr) {
    shelves_.push_back({capacity, std::vector<std::vector<PooledSlot*>>(contexts_),
                        std::vector<std::uint32_t>(contexts_, 0)});
    shelf = &shelves_.back();
  }
  slots_.push_back(
      std::make_unique<PooledSlot>(std::move(slot), capacity, std::vector<std::uint64_t>(capacity, 0)));
  shelf->free[context].reserve(++shelf->sizes[context]);
  shelf->free[context].push_back(slots_.back().get());
}

std::uint32_t SlotPool::size(std::uint32_t context, std::uint32_t capacity) const {
  const auto found = std::ranges::find(shelves_, capacity, &Shelf::capacity);
  return found == shelves_.end() ? 0 : found->sizes[context];
}

PooledSlot* SlotPool::take(std::uint32_t context, std::uint32_t capacity, std::uint64_t input) {
  Shelf* shelf = find(capacity);
  assert(shelf != nullptr && !shelf->free[context].empty());
  std::vector<PooledSlot*>& free = shelf->free[context];
  const auto match =
      std::ranges::find_if(free, [&](const PooledSlot* each) { return each->holds[0] == input; });
  if (match != free.end()) std::swap(*match, free.back());
  PooledSlot* slot = free.back();
  free.pop_back();
  ++taken_;
  return slot;
}

void SlotPool::giveBack(PooledSlot* slot) {
  find(slot->capacity)->free[slot->slot->context()].push_back(slot);
  --taken_;
}

std::vector<std::unique_ptr<engine::Slot>> SlotPool::empty() {
  assert(idle());
  std::vector<std::unique_ptr<engine::Slot>> slots;
  for (auto& pooled : slots_) slots.push_back(std::move(pooled->slot));
  slots_.clear();
  shelves_.clear();
  return slots;
}

}  // namespace daris::runtime
