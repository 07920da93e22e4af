// Records in slots that are reused, named by index and generation so that an old name is never taken for a
// new one.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace daris::sched {

/// A pool of T. Only reserve() allocates. Id is {index, generation}.
template <typename T, typename Id>
class Pool {
 public:
  /// Makes room for `count` records in use at once.
  void reserve(std::size_t count) {
    if (count <= slots_.size()) return;
    free_.reserve(count);
    const std::size_t before = slots_.size();
    slots_.resize(count);
    for (std::size_t index = count; index > before; --index)
      free_.push_back(static_cast<std::uint32_t>(index - 1));
  }

  [[nodiscard]] std::size_t inUse() const { return slots_.size() - free_.size(); }
  [[nodiscard]] std::size_t capacity() const { return slots_.size(); }

  /// Takes a free slot; there must be one. Its record is as the last user left it.
  Id acquire() {
    const std::uint32_t index = free_.back();
    free_.pop_back();
    Slot& slot = slots_[index];
    slot.used = true;
    return {index, ++slot.generation};
  }

  void release(std::uint32_t index) {
    slots_[index].used = false;
    free_.push_back(index);
  }

  [[nodiscard]] T* find(Id id) { return const_cast<T*>(std::as_const(*this).find(id)); }
  [[nodiscard]] const T* find(Id id) const {
    if (id.index >= slots_.size()) return nullptr;
    const Slot& slot = slots_[id.index];
    return slot.used && slot.generation == id.generation ? &slot.record : nullptr;
  }

  [[nodiscard]] bool used(std::uint32_t index) const { return slots_[index].used; }
  [[nodiscard]] Id idOf(std::uint32_t index) const { return {index, slots_[index].generation}; }
  [[nodiscard]] T& operator[](std::uint32_t index) { return slots_[index].record; }
  [[nodiscard]] const T& operator[](std::uint32_t index) const { return slots_[index].record; }

 private:
  /// On cache lines of its own, with what find() reads before the record's first fields.
  struct alignas(64) Slot {
    std::uint32_t generation = 0;
    bool used = false;
    T record{};
  };

  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace daris::sched
