// A slot without computation: inputs that can be written, outputs that are zeros, and the times of its
// stages.
#pragma once

#include <memory>
#include <vector>

#include "engine/job_memory.hpp"
#include "engine/sim/loaded_model.hpp"

namespace daris::engine::sim {

class SimSlot : public CopyingSlot {
 public:
  /// `series`, of the first of its batch sizes, and the numbers after it for the others set its times apart
  /// from those of other slots. Null memory: its own. Throws EngineError UnknownBatch.
  SimSlot(std::shared_ptr<const SimModel> model, std::uint32_t context,
          const std::vector<std::uint32_t>& batches, std::uint64_t series, const SlotMemory* memory);

  [[nodiscard]] std::uint32_t context() const override { return context_; }
  [[nodiscard]] std::span<std::byte> input(std::size_t i) override { return inputs_[i]; }
  [[nodiscard]] std::span<const std::byte> output(std::size_t i) const override { return outputs_[i]; }
  [[nodiscard]] std::uint64_t memory_bytes() const override;

  /// How long the next run of a stage lasts at the batch size of `form`. For the thread that launches.
  [[nodiscard]] std::int64_t next_ns(std::uint32_t stage, std::uint32_t form) noexcept {
    return times_[form][stage].next_ns();
  }

 private:
  [[nodiscard]] std::span<std::byte> own_buffer(const model::Tensor& tensor);

  std::shared_ptr<const SimModel> model_;
  std::uint32_t context_;
  std::vector<std::vector<StageTimes>> times_;  // by form, then stage
  std::vector<std::vector<std::byte>> own_;     // what lies in no memory given
  std::vector<std::span<std::byte>> inputs_;
  std::vector<std::span<std::byte>> outputs_;
};

}  // namespace daris::engine::sim
