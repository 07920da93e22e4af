// A slot on the GPU: page-locked inputs and outputs, and each stage as a CUDA graph between fixed addresses.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/torch/captured_stage.hpp"
#include "engine/torch/memories.hpp"
#include "engine/torch/memory_pool.hpp"

namespace daris::engine::torch {

/// What starts a stage.
struct StageLaunch {
  CUgraphExec graph = nullptr;
  bool wide = false;  ///< on the whole GPU: it cannot run in its context
};

/// Where a slot is made.
struct SlotPlace {
  std::uint32_t context = 0;
  SmPartition partition;
  Memories memories;
  bool copies = true;  ///< inputs and outputs cross the bus with each job; false: they stay where they are
  const Pace* pace = nullptr;          ///< of what makes it
  const SlotMemory* memory = nullptr;  ///< for inputs and outputs, while it is made; null: its own
};

class TorchSlot : public Slot {
 public:
  /// Tries each stage in the context, and where one cannot run there, on the whole GPU. Throws EngineError
  /// StageFailed, InvalidArtifact, OutOfMemory, UnknownBatch. Blocks; one thread at a time in a process.
  TorchSlot(std::shared_ptr<const TorchModel> model, std::uint32_t batch, const SlotPlace& place);
  ~TorchSlot() override;

  [[nodiscard]] std::uint32_t context() const override { return place_.context; }
  [[nodiscard]] std::uint32_t batch() const override { return batch_; }
  [[nodiscard]] std::span<std::byte> input(std::size_t i) override { return inputs_[i].bytes(); }
  [[nodiscard]] std::span<const std::byte> output(std::size_t i) const override {
    return outputs_[i].bytes();
  }
  [[nodiscard]] std::uint64_t memory_bytes() const override { return memory_bytes_; }

  [[nodiscard]] const StageLaunch& stage(std::uint32_t index) const { return launches_[index]; }
  [[nodiscard]] std::size_t stages() const { return launches_.size(); }
  /// For each stage that runs on the whole GPU, why.
  [[nodiscard]] std::span<const std::string> remarks() const override { return remarks_; }

 private:
  void make_buffers();
  void lay_buffers();
  void capture_all();
  [[nodiscard]] CapturedStage capture(std::size_t index);
  [[nodiscard]] CapturedStage capture_at(std::size_t index, const GpuStream& stream);
  [[nodiscard]] Tensors inputs_of(const model::Stage& stage) const;
  void keep_outputs(std::size_t index);
  void copy_in(cudaStream_t stream) const;
  void copy_out(std::size_t index, cudaStream_t stream, const Tensors& outputs) const;
  [[nodiscard]] std::string name_of(std::size_t index) const;

  std::shared_ptr<const TorchModel> model_;
  std::uint32_t batch_;
  SlotPlace place_;
  std::vector<PinnedMemory> inputs_;
  std::vector<PinnedMemory> outputs_;
  // Before the graphs, which are destroyed first.
  GpuStream stream_;
  std::unique_ptr<GpuStream> wide_stream_;  // once a stage needs it
  MemoryPool pool_;
  std::map<std::string, at::Tensor, std::less<>> tensors_;  // on the GPU, by the manifest's names
  std::vector<CapturedStage> stages_;
  std::vector<StageLaunch> launches_;
  std::vector<std::string> remarks_;
  std::uint64_t memory_bytes_ = 0;
};

}  // namespace daris::engine::torch
