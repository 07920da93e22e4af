// Where the inputs and outputs of the jobs in a slot are: one address for each row, read by the GPU when the
// first and the last stage run.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/engine.hpp"
#include "engine/torch/pinned.hpp"
#include "engine/torch/row_kernels.hpp"
#include "model/manifest.hpp"

namespace daris::engine::torch {

/// In page-locked memory.
class TorchJobMemory : public JobMemory {
 public:
  /// Throws EngineError OutOfMemory.
  TorchJobMemory(const model::Manifest& manifest, std::uint32_t batch,
                 const std::shared_ptr<PinnedArena>& memory, std::uint64_t id);

  [[nodiscard]] std::span<std::byte> input(std::size_t i) override { return inputs_[i].bytes(); }
  [[nodiscard]] std::span<std::byte> output(std::size_t i) override { return outputs_[i].bytes(); }
  [[nodiscard]] std::uint64_t id() const override { return id_; }

  [[nodiscard]] const std::vector<PinnedMemory>& inputs() const { return inputs_; }
  [[nodiscard]] const std::vector<PinnedMemory>& outputs() const { return outputs_; }

 private:
  std::vector<PinnedMemory> inputs_;
  std::vector<PinnedMemory> outputs_;
  std::uint64_t id_;
};

/// The addresses of one input or output; those of the slot's own buffer while nobody is seated. One thread at
/// a time.
class RowTable {
 public:
  /// `own`: the buffer's address on the GPU, of `rows` rows. Throws EngineError OutOfMemory.
  RowTable(const std::shared_ptr<PinnedArena>& memory, CUdeviceptr own, std::uint32_t rows,
           std::uint64_t row_bytes);

  /// Rows from `first` on are at `memory`, as many as it has; null: they are nobody's.
  void set(std::uint32_t first, std::uint32_t rows, CUdeviceptr memory);
  void reset();

  /// Between the rows and a buffer of `rows` of them.
  [[nodiscard]] RowCopy copy(CUdeviceptr buffer, std::uint32_t rows, bool on_device) const;
  [[nodiscard]] std::uint64_t row_bytes() const { return row_bytes_; }

 private:
  [[nodiscard]] std::span<CUdeviceptr> addresses() const;

  PinnedMemory memory_;
  CUdeviceptr own_;
  std::uint64_t row_bytes_;
  std::uint32_t taken_ = 0;  // rows below may be somebody's
};

}  // namespace daris::engine::torch
