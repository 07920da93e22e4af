// A slot that a worker has, with buffers that lie in memory of both.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/job_memory.hpp"
#include "engine/workers/remote_model.hpp"
#include "engine/workers/slot_layout.hpp"

namespace daris::engine::workers {

class RemoteSlot : public CopyingSlot {
 public:
  /// Throws as Engine::create_slot.
  RemoteSlot(std::shared_ptr<WorkerTeam> team, std::shared_ptr<const RemoteModel> model,
             std::uint32_t context, const std::vector<std::uint32_t>& batches);
  ~RemoteSlot() override;

  [[nodiscard]] std::uint32_t context() const override { return context_; }
  [[nodiscard]] std::span<std::byte> input(std::size_t i) override { return layout_.buffers.inputs[i]; }
  [[nodiscard]] std::span<const std::byte> output(std::size_t i) const override {
    return layout_.buffers.outputs[i];
  }
  [[nodiscard]] std::uint64_t memory_bytes() const override { return memory_bytes_; }
  [[nodiscard]] std::span<const std::string> remarks() const override { return remarks_; }

  /// The worker's word for it.
  [[nodiscard]] std::uint64_t word() const { return word_; }
  /// Why its last stage failed, valid until its next launch.
  [[nodiscard]] const char* error() const noexcept;

 private:
  std::shared_ptr<WorkerTeam> team_;
  std::shared_ptr<const RemoteModel> model_;
  std::uint32_t context_;
  SharedMemory memory_;
  SlotLayout layout_;
  std::uint64_t word_ = 0;
  std::uint64_t memory_bytes_ = 0;
  std::vector<std::string> remarks_;
};

}  // namespace daris::engine::workers
