// A slot on the GPU: memory for its largest batch, and for each of its batch sizes each stage as a CUDA
// graph. All of these graphs use the same memory, since one unit has the slot at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/torch/captured_stage.hpp"
#include "engine/torch/job_rows.hpp"
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
  /// Tries each stage at each of these batch sizes, which are ascending, in the context, and where one cannot
  /// run there, on the whole GPU. Throws EngineError StageFailed, InvalidArtifact, OutOfMemory, UnknownBatch.
  /// Blocks; one thread at a time in a process.
  TorchSlot(std::shared_ptr<const TorchModel> model, const std::vector<std::uint32_t>& batches,
            const SlotPlace& place);
  ~TorchSlot() override;

  [[nodiscard]] std::uint32_t context() const override { return place_.context; }
  [[nodiscard]] std::span<const std::uint32_t> batches() const override { return batches_; }
  [[nodiscard]] std::span<std::byte> input(std::size_t i) override { return inputs_[i].bytes(); }
  [[nodiscard]] std::span<const std::byte> output(std::size_t i) const override {
    return outputs_[i].bytes();
  }
  [[nodiscard]] std::uint64_t memory_bytes() const override { return memory_bytes_; }
  void seat(std::uint32_t place, JobMemory& job, bool outputs) override;
  void collect(std::uint32_t place, JobMemory& job) override;
  void vacate() override;

  [[nodiscard]] const StageLaunch& stage(std::uint32_t form, std::uint32_t index) const {
    return launches_[form * stages() + index];
  }
  [[nodiscard]] std::size_t stages() const { return model_->manifest().stages.size(); }
  /// For each stage that runs on the whole GPU, why.
  [[nodiscard]] std::span<const std::string> remarks() const override { return remarks_; }

 private:
  void make_buffers();
  void lay_buffers();
  void fill_inputs();
  void make_tables();
  static void set(RowTable& table, std::uint32_t place, const PinnedMemory& memory, bool wanted);
  void capture_form(std::uint32_t form);
  [[nodiscard]] CapturedStage capture(std::size_t index);
  [[nodiscard]] CapturedStage capture_at(std::size_t index, const GpuStream& stream);
  [[nodiscard]] Tensors inputs_of(const model::Stage& stage) const;
  void keep_outputs(std::size_t index, const Tensors& outputs);
  void gather(cudaStream_t stream) const;
  void scatter(std::size_t index, cudaStream_t stream, const Tensors& outputs) const;
  [[nodiscard]] std::string name_of(std::size_t index) const;
  /// Whether jobs of several tasks go together here, each from memory of its own.
  [[nodiscard]] bool joins() const { return batches_.size() > 1; }

  std::shared_ptr<const TorchModel> model_;
  std::vector<std::uint32_t> batches_;
  SlotPlace place_;
  std::vector<PinnedMemory> inputs_;
  std::vector<PinnedMemory> outputs_;
  std::vector<RowTable> input_rows_;   // empty where inputs stay on the GPU and are nobody's
  std::vector<RowTable> output_rows_;  // empty where outputs stay on the GPU
  // Before the graphs, which are destroyed first.
  GpuStream stream_;
  std::unique_ptr<GpuStream> wide_stream_;  // once a stage needs it
  MemoryPool pool_;
  std::vector<at::Tensor> input_tensors_;  // on the GPU, at the largest batch
  std::vector<at::Tensor> resident_;       // of several jobs whose inputs do not cross the bus
  std::vector<std::unique_ptr<at::cuda::CUDAGraph>> graphs_;
  std::vector<StageLaunch> launches_;  // stage by stage, form by form
  std::vector<std::string> remarks_;
  std::uint64_t memory_bytes_ = 0;

  /// Of the form that is being captured. What a form wrote is free for the next one to be written over:
  /// graphs keep the pool, not what was made of it.
  struct Capture {
    std::uint32_t batch = 0;
    std::map<std::string, at::Tensor, std::less<>> tensors;  // by the manifest's names
  };
  Capture capture_;
};

}  // namespace daris::engine::torch
