#include "engine/torch/memory_pool.hpp"

#include <ATen/cuda/CUDAGraph.h>
#include <torch/csrc/cuda/CUDAPluggableAllocator.h>

namespace daris::engine::torch {

namespace allocator = c10::cuda::CUDACachingAllocator;

MemoryPool::MemoryPool(std::shared_ptr<DeviceArena> arena, int device)
    : device_(static_cast<c10::DeviceIndex>(device)), id_(at::cuda::graph_pool_handle()) {
  using ::torch::cuda::CUDAPluggableAllocator::createCustomAllocator;
  // torch keeps the allocator for as long as it likes; the arena is the engine's.
  const auto from_arena = createCustomAllocator(
      [weak = std::weak_ptr(arena)](std::size_t bytes, int, cudaStream_t) -> void* {
        const auto known = weak.lock();
        return known ? known->take(bytes) : nullptr;
      },
      [weak = std::weak_ptr(arena)](void* memory, std::size_t bytes, int, cudaStream_t) {
        if (const auto known = weak.lock()) known->give_back(memory, bytes);
      });
  // Makes the pool and holds it: a pool that nobody holds cannot be taken up again.
  allocator::createOrIncrefPool(device_, id_, from_arena);
}

MemoryPool::~MemoryPool() {
  try {
    release();
  } catch (const std::exception&) {
    // The process is about to end over a lost context.
  }
}

void MemoryPool::release() {
  if (!held_) return;
  held_ = false;
  allocator::releasePool(device_, id_);
  allocator::emptyCache(id_);  // of this pool alone: to give up torch's own would stop all launches
}

PoolScope::PoolScope(int device, c10::cuda::MempoolId_t id, cudaStream_t stream)
    : device_(static_cast<c10::DeviceIndex>(device)), id_(id) {
  allocator::beginAllocateToPool(device_, id_, [stream](cudaStream_t on) { return on == stream; });
}

PoolScope::~PoolScope() {
  allocator::endAllocateToPool(device_, id_);
  allocator::releasePool(device_, id_);
}

}  // namespace daris::engine::torch
