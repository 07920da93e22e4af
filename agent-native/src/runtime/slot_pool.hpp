// The slots of one class (model and batch size), by context; the dispatcher's alone. The scheduler is told
// how many there are and never starts more units than that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/engine.hpp"
#include "sched/types.hpp"

namespace daris::runtime {

struct PooledSlot {
  std::unique_ptr<engine::Slot> slot;
  /// The job whose inputs its first place was given last: who brings these again copies nothing. 0: none.
  std::uint64_t firstHolds = 0;
};

class SlotPool {
 public:
  /// `batch`: of one job. `sample`: what a job without inputs of its own computes on; null: what its slot
  /// holds.
  SlotPool(sched::ClassId classId, std::uint32_t contexts, std::uint32_t batch,
           std::shared_ptr<engine::JobMemory> sample);

  void add(std::unique_ptr<engine::Slot> slot);

  /// A free slot of a context, preferably one whose first place holds these inputs already. The scheduler has
  /// made sure that there is one. Constant in memory, linear in the free slots.
  [[nodiscard]] PooledSlot* take(std::uint32_t context, std::uint64_t inputs);
  /// Vacates it.
  void giveBack(PooledSlot* slot);

  struct Contents {
    std::vector<std::unique_ptr<engine::Slot>> slots;
    std::shared_ptr<engine::JobMemory> sample;
  };
  /// All that it has, to be destroyed elsewhere. No slot may be taken.
  [[nodiscard]] Contents empty();

  [[nodiscard]] sched::ClassId classId() const { return classId_; }
  [[nodiscard]] std::uint32_t contexts() const { return static_cast<std::uint32_t>(free_.size()); }
  [[nodiscard]] std::uint32_t size(std::uint32_t context) const { return sizes_[context]; }
  [[nodiscard]] engine::JobMemory* sample() const { return sample_.get(); }
  /// The form of a slot that units of this capacity run in.
  [[nodiscard]] std::uint32_t formOf(const PooledSlot& slot, std::uint32_t capacity) const;

 private:
  sched::ClassId classId_;
  std::uint32_t batch_;
  std::shared_ptr<engine::JobMemory> sample_;
  std::vector<std::unique_ptr<PooledSlot>> slots_;
  std::vector<std::vector<PooledSlot*>> free_;  // by context; room for all of its slots
  std::vector<std::uint32_t> sizes_;            // by context
  std::size_t taken_ = 0;
};

}  // namespace daris::runtime
