#include "engine/torch/job_rows.hpp"

#include <algorithm>

namespace daris::engine::torch {
namespace {

std::vector<PinnedMemory> buffers(const std::vector<model::Tensor>& tensors, std::uint32_t batch,
                                  const std::shared_ptr<PinnedArena>& memory) {
  std::vector<PinnedMemory> made;
  for (const model::Tensor& tensor : tensors) made.emplace_back(memory, tensor.element_bytes() * batch);
  return made;
}

}  // namespace

TorchJobMemory::TorchJobMemory(const model::Manifest& manifest, std::uint32_t batch,
                               const std::shared_ptr<PinnedArena>& memory, std::uint64_t id)
    : inputs_(buffers(manifest.inputs, batch, memory)),
      outputs_(buffers(manifest.outputs, batch, memory)),
      id_(id) {}

RowTable::RowTable(const std::shared_ptr<PinnedArena>& memory, CUdeviceptr own, std::uint32_t rows,
                   std::uint64_t row_bytes)
    : memory_(memory, rows * sizeof(CUdeviceptr)), own_(own), row_bytes_(row_bytes), taken_(rows) {
  reset();
}

std::span<CUdeviceptr> RowTable::addresses() const {
  const auto bytes = memory_.bytes();
  return {reinterpret_cast<CUdeviceptr*>(bytes.data()), bytes.size() / sizeof(CUdeviceptr)};
}

void RowTable::set(std::uint32_t first, std::uint32_t rows, CUdeviceptr memory) {
  const auto all = addresses();
  for (std::uint32_t i = 0; i < rows; ++i) all[first + i] = memory == 0 ? 0 : memory + i * row_bytes_;
  taken_ = std::max(taken_, first + rows);
}

void RowTable::reset() {
  const auto all = addresses();
  for (std::uint32_t i = 0; i < taken_; ++i) all[i] = own_ + i * row_bytes_;
  taken_ = 0;
}

RowCopy RowTable::copy(CUdeviceptr buffer, std::uint32_t rows, bool on_device) const {
  return {.table = memory_.device(),
          .buffer = buffer,
          .rows = rows,
          .row_bytes = row_bytes_,
          .on_device = on_device};
}

}  // namespace daris::engine::torch
