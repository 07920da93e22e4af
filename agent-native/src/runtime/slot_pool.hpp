// The slots of one class (model and batch size), context by context; the dispatcher's alone.
// The scheduler is told how many there are and never starts more jobs than that.
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
  /// Whose input its buffers hold: a request's sequence, or 0 for the sample, which a new slot holds. Saves
  /// copying it again.
  std::uint64_t holds = 0;
};

class SlotPool {
 public:
  SlotPool(sched::ClassId classId, std::uint32_t contexts, std::shared_ptr<const SampleInputs> sample);

  void add(std::unique_ptr<engine::Slot> slot);

  /// A free slot of a context, preferably one that holds this input already. The scheduler has made sure that
  /// there is one. Constant in memory, linear in the free slots.
  [[nodiscard]] PooledSlot* take(std::uint32_t context, std::uint64_t input);
  void giveBack(PooledSlot* slot);

  /// All slots, to be destroyed elsewhere. None may be taken.
  [[nodiscard]] std::vector<std::unique_ptr<engine::Slot>> empty();

  [[nodiscard]] sched::ClassId classId() const { return classId_; }
  [[nodiscard]] std::uint32_t contexts() const { return static_cast<std::uint32_t>(free_.size()); }
  [[nodiscard]] std::uint32_t size(std::uint32_t context) const { return sizes_[context]; }
  [[nodiscard]] const SampleInputs& sample() const { return *sample_; }
  [[nodiscard]] bool idle() const { return taken_ == 0; }

 private:
  sched::ClassId classId_;
  std::shared_ptr<const SampleInputs> sample_;
  std::vector<std::unique_ptr<PooledSlot>> slots_;
  std::vector<std::vector<PooledSlot*>> free_;  // by context; capacity for all of its slots
  std::vector<std::uint32_t> sizes_;
  std::size_t taken_ = 0;
};

}  // namespace daris::runtime
