// Host memory that the GPU reads and writes by itself.
#pragma once

#include <cuda.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>

#include "engine/torch/free_ranges.hpp"

namespace daris::engine::torch {

/// Page-locked memory, mapped into the GPU's addresses, taken at start: to lock pages holds up the launches
/// of all threads, milliseconds for a few MiB. Any thread.
class PinnedArena {
 public:
  /// Throws std::runtime_error.
  explicit PinnedArena(std::size_t bytes);
  PinnedArena(const PinnedArena&) = delete;
  PinnedArena& operator=(const PinnedArena&) = delete;
  ~PinnedArena();

 private:
  friend class PinnedMemory;
  friend struct PinnedGiveBack;

  [[nodiscard]] std::byte* take(std::size_t bytes);
  void give_back(std::byte* memory, std::size_t bytes) noexcept;

  std::byte* memory_ = nullptr;
  CUdeviceptr device_ = 0;  // of the same memory, for the GPU
  std::size_t size_;
  std::mutex mutex_;  // guards ranges_; never held by who dispatches
  FreeRanges ranges_;
};

struct PinnedGiveBack {
  std::shared_ptr<PinnedArena> arena;  // null: of memory given
  std::size_t size = 0;
  void operator()(std::byte* memory) const noexcept;
};

/// A zeroed piece of the arena, at the beginning of a cache line.
class PinnedMemory {
 public:
  PinnedMemory() = default;
  /// Throws EngineError OutOfMemory.
  PinnedMemory(std::shared_ptr<PinnedArena> arena, std::size_t bytes);
  /// Memory of somebody else, which begins a page and outlives this: page-locked and mapped while it lives,
  /// content untouched. Throws std::runtime_error.
  explicit PinnedMemory(std::span<std::byte> given);

  [[nodiscard]] std::span<std::byte> bytes() const { return {memory_.get(), memory_.get_deleter().size}; }
  /// Where it is for the GPU.
  [[nodiscard]] CUdeviceptr device() const { return device_; }

 private:
  std::unique_ptr<std::byte, PinnedGiveBack> memory_;
  CUdeviceptr device_ = 0;
};

}  // namespace daris::engine::torch
