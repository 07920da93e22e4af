// One stage of one slot as a CUDA graph.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/cuda/CUDAGraph.h>

#include <functional>
#include <memory>
#include <vector>

#include "engine/torch/loaded_model.hpp"
#include "engine/torch/pace.hpp"
#include "engine/torch/sm_partition.hpp"

namespace daris::engine::torch {

using Tensors = std::vector<at::Tensor>;

/// Where a slot captures: a stream of its own, kept as long as the slot (torch keys cuBLAS workspaces by
/// stream, so two slots captured on one stream would share one silently), and a memory pool of its own, which
/// the slot's stages share since they never run at once and always in order.
struct CapturePlace {
  const GpuStream* stream;
  c10::MempoolId_t pool;
  int device;
  const Pace* pace;
};

/// A stage with its addresses fixed. Its outputs live as long as it does.
struct CapturedStage {
  std::unique_ptr<at::cuda::CUDAGraph> graph;
  Tensors outputs;
  bool wide = false;  // on the whole GPU, since it cannot run in its context
};

/// Copies of the slot that belong to a stage, to be put onto the current stream; `outputs` are the stage's.
struct StageCopies {
  std::function<void(cudaStream_t)> before;
  std::function<void(cudaStream_t, const Tensors& outputs)> after;
};

/// Runs the stage once (its first run folds constants and loads kernels, neither of which can be captured),
/// then captures it together with its copies. Throws what torch throws; what was begun is then undone.
[[nodiscard]] CapturedStage capture_stage(::torch::inductor::AOTIModelPackageLoader& loader,
                                          const Tensors& inputs, const StageCopies& copies,
                                          const CapturePlace& place);

}  // namespace daris::engine::torch
