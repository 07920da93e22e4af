// Where an engine's models and slots get memory from.
#pragma once

#include <memory>

#include "engine/torch/device_arena.hpp"
#include "engine/torch/pinned.hpp"
#include "engine/torch/row_kernels.hpp"

namespace daris::engine::torch {

/// Whoever takes memory keeps its arena alive.
struct Memories {
  int device = 0;
  std::shared_ptr<DeviceArena> gpu;
  std::shared_ptr<PinnedArena> host;
  std::shared_ptr<const RowKernels> rows;  // copies between the two
};

}  // namespace daris::engine::torch
