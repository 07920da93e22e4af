// The GPU's memory for models and slots: taken at start, dealt out by CUDA's own pool. What is taken from it
// and given back while stages run delays none of them, as cudaMalloc and cudaFree would (docs/adr/0018).
#pragma once

#include <cuda_runtime_api.h>

#include <atomic>
#include <cstdint>
#include <memory>

namespace daris::engine::torch {

/// Memory of one device. Any thread; a call waits for none but the arena's own stream.
class DeviceArena {
 public:
  /// So much of the device: at once where it is `reserved`, else piece by piece. Throws std::runtime_error.
  DeviceArena(int device, std::uint64_t bytes, bool reserved);
  DeviceArena(const DeviceArena&) = delete;
  DeviceArena& operator=(const DeviceArena&) = delete;
  ~DeviceArena();

  /// Null where there is no more room.
  [[nodiscard]] void* take(std::uint64_t bytes) noexcept;
  /// What take() gave, and its size. Nothing that runs may use it any more.
  void give_back(void* memory, std::uint64_t bytes) noexcept;

  /// False: what nobody has taken goes back to the device; true: is taken there again, as far as it is there.
  void hold(bool held) noexcept;

  /// Bytes that nobody has taken.
  [[nodiscard]] std::uint64_t left() const noexcept { return size_ - taken_.load(); }
  /// For copies into the arena's memory, in the order of take() and give_back().
  [[nodiscard]] cudaStream_t stream() const noexcept { return stream_; }

 private:
  [[nodiscard]] cudaError_t reserve() noexcept;

  std::uint64_t size_;
  std::atomic<std::uint64_t> taken_ = 0;
  cudaMemPool_t pool_ = nullptr;
  cudaStream_t stream_ = nullptr;
};

struct ArenaGiveBack {
  std::shared_ptr<DeviceArena> arena;
  std::uint64_t bytes = 0;
  void operator()(void* memory) const noexcept { arena->give_back(memory, bytes); }
};

/// A piece of the arena, given back at the end.
class ArenaMemory {
 public:
  ArenaMemory() = default;
  /// Throws std::bad_alloc where there is no room.
  ArenaMemory(std::shared_ptr<DeviceArena> arena, std::uint64_t bytes);

  [[nodiscard]] void* data() const { return memory_.get(); }
  [[nodiscard]] std::uint64_t size() const { return memory_ ? memory_.get_deleter().bytes : 0; }

 private:
  std::unique_ptr<void, ArenaGiveBack> memory_;
};

}  // namespace daris::engine::torch
