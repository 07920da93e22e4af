// Memory of torch's allocator that belongs to one slot.
#pragma once

#include <c10/cuda/CUDACachingAllocator.h>

#include <memory>

#include "engine/torch/device_arena.hpp"

namespace daris::engine::torch {

/// A pool that stays until it is released. What its slot allocates at its first runs is used again by its
/// graphs.
class MemoryPool {
 public:
  /// Its memory comes from the arena.
  explicit MemoryPool(std::shared_ptr<DeviceArena> arena, int device);
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;
  ~MemoryPool();

  [[nodiscard]] c10::MempoolId_t id() const { return id_; }
  /// Gives its memory back to the arena; what was allocated from it must be freed. Idempotent. Throws.
  void release();

 private:
  c10::DeviceIndex device_;
  c10::MempoolId_t id_;
  bool held_ = true;
};

/// While it lives, what is allocated for `stream` comes from the pool.
class PoolScope {
 public:
  PoolScope(int device, c10::MempoolId_t id, cudaStream_t stream);
  PoolScope(const PoolScope&) = delete;
  PoolScope& operator=(const PoolScope&) = delete;
  ~PoolScope();

 private:
  c10::DeviceIndex device_;
  c10::MempoolId_t id_;
};

}  // namespace daris::engine::torch
