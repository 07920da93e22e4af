#include "engine/torch/captured_stage.hpp"

#include <ATen/core/CachingHostAllocator.h>
#include <c10/core/InferenceMode.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>

#include "engine/torch/driver.hpp"
#include "engine/torch/memory_pool.hpp"

namespace daris::engine::torch {
namespace {

void run_eagerly(::torch::inductor::AOTIModelPackageLoader& loader, const Tensors& inputs,
                 const CapturePlace& place) {
  const cudaStream_t stream = place.stream->get();
  const PoolScope pool(place.device, place.pool, stream);
  (void)loader.run(inputs);
  check(::cudaStreamSynchronize(stream), "the stage's first run");
}

/// A capture that failed half-way must not leave its stream capturing.
void abandon_capture(const CapturePlace& place, cudaStream_t stream) noexcept {
  cudaGraph_t graph = nullptr;
  (void)::cudaStreamEndCapture(stream, &graph);
  if (graph != nullptr) (void)::cudaGraphDestroy(graph);
  (void)::cudaGetLastError();
  const auto device = static_cast<c10::DeviceIndex>(place.device);
  try {  // what capture_end() does after the capture's end, and the destructor for one that succeeded
    c10::cuda::CUDACachingAllocator::endAllocateToPool(device, place.pool);
    c10::cuda::CUDACachingAllocator::releasePool(device, place.pool);
    at::getHostAllocator(at::kCUDA)->end_allocate_to_pool(place.pool);
    // Its host part is not released: at no count of uses it could not be taken up again.
  } catch (const std::exception&) {
    // capture_end() got so far itself.
  }
}

CapturedStage captured(::torch::inductor::AOTIModelPackageLoader& loader, const Tensors& inputs,
                       const StageCopies& copies, const CapturePlace& place) {
  const cudaStream_t stream = place.stream->get();
  CapturedStage stage;
  stage.graph = std::make_unique<at::cuda::CUDAGraph>();
  // Thread-local: a live stage's launch on another thread must not break it, nor it that.
  stage.graph->capture_begin(place.pool, cudaStreamCaptureModeThreadLocal);
  try {
    copies.before(stream);
    stage.outputs = loader.run(inputs);
    copies.after(stream, stage.outputs);
    stage.graph->capture_end();
  } catch (...) {
    abandon_capture(place, stream);
    throw;
  }
  return stage;
}

}  // namespace

CapturedStage capture_stage(::torch::inductor::AOTIModelPackageLoader& loader, const Tensors& inputs,
                            const StageCopies& copies, const CapturePlace& place) {
  const c10::InferenceMode inference;
  const auto device = static_cast<c10::DeviceIndex>(place.device);
  const c10::cuda::CUDAStreamGuard guard(c10::cuda::getStreamFromExternal(place.stream->get(), device));
  place.pace->piece([&] { run_eagerly(loader, inputs, place); });
  CapturedStage stage;
  place.pace->piece([&] { stage = captured(loader, inputs, copies, place); });
  return stage;
}

}  // namespace daris::engine::torch
