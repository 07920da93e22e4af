// A stage's weights on the GPU, once for all its batch sizes.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <string>

#include "engine/torch/device_arena.hpp"

namespace daris::engine::torch {

class StageWeights {
 public:
  /// Copies the content of a weights file there, delaying no stage that runs. Throws std::bad_alloc,
  /// std::runtime_error.
  StageWeights(std::shared_ptr<DeviceArena> arena, std::span<const std::byte> content, int device);

  /// From now on compiled code reads its weights here, by the index in its metadata. This must live as long.
  /// Throws std::invalid_argument where the index does not fit, or lacks one.
  void bind(::torch::inductor::AOTIModelPackageLoader& loader);

  [[nodiscard]] std::uint64_t bytes() const { return memory_.size(); }

 private:
  ArenaMemory memory_;
  int device_;
  std::deque<at::Tensor> tensors_;  // compiled code keeps their addresses
};

}  // namespace daris::engine::torch
