// The slots of one class (model and batch size), by context and by how many jobs each holds; the dispatcher's
// alone. The scheduler is told how many there are and never starts more units than that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/engine.hpp"
#include "sched/types.hpp"

namespace daris::runtime {

/// The inputs of a model when no client has sent any: one buffer per input at the class's batch size.
using SampleInputs = std::vector<std::vector<std::byte>>;

struct PooledSlot {
  std::unique_ptr<engine::Slot> slot;
  std::uint32_t capacity = 1;  // jobs that it holds
  /// Whose input each of its places holds: a request's sequence, or 0 for the sample, which a new slot holds.
  /// Saves copying it again.
  std::vector<std::uint64_t> holds;
};

class SlotPool {
 public:
  SlotPool(sched::ClassId classId, std::uint32_t contexts, std::shared_ptr<const SampleInputs> sample);

  void add(std::unique_ptr<engine::Slot> slot, std::uint32_t capacity = 1);

  /// A free slot of a context and capacity, preferably one whose first place holds this input already. The
  /// scheduler has made sure that there is one. Constant in memory, linear in the free slots.
  [[nodiscard]] PooledSlot* take(std::uint32_t context, std::uint32_t capacity, std::uint64_t input);
  void giveBack(PooledSlot* slot);

  /// All slots, to be destroyed elsewhere. None may be taken.
  [[nodiscard]] std::vector<std::unique_ptr<engine::Slot>> empty();

  [[nodiscard]] sched::ClassId classId() const { return classId_; }
  [[nodiscard]] std::uint32_t contexts() const { return contexts_; }
  [[nodiscard]] std::uint32_t size(std::uint32_t context, std::uint32_t capacity) const;
  [[nodiscard]] const SampleInputs& sample() const { return *sample_; }
  [[nodiscard]] bool idle() const { return taken_ == 0; }

 private:
  /// The slots of one capacity.
  struct Shelf {
    std::uint32_t capacity = 1;
    std::vector<std::vector<PooledSlot*>> free;  // by context; room for all of its slots
    std::vector<std::uint32_t> sizes;            // by context
  };

  [[nodiscard]] Shelf* find(std::uint32_t capacity);

  sched::ClassId classId_;
  std::uint32_t contexts_;
  std::shared_ptr<const SampleInputs> sample_;
  std::vector<std::unique_ptr<PooledSlot>> slots_;
  std::vector<Shelf> shelves_;
  std::size_t taken_ = 0;
};

}  // namespace daris::runtime
