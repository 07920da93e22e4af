#include "engine/torch/device_arena.hpp"

#include <limits>
#include <new>
#include <utility>

#include "engine/torch/driver.hpp"

namespace daris::engine::torch {
namespace {

cudaMemPool_t make_pool(int device) {
  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location = {cudaMemLocationTypeDevice, device};
  cudaMemPool_t pool = nullptr;
  check(::cudaMemPoolCreate(&pool, &properties), "the GPU's memory pool");
  // Never gives memory back to the driver: to take it anew would cost milliseconds.
  std::uint64_t all = std::numeric_limits<std::uint64_t>::max();
  check(::cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &all), "the GPU's memory pool");
  return pool;
}

/// While it lives, this thread may call what a capture that it has under way would forbid.
class RelaxedCapture {
 public:
  RelaxedCapture() noexcept { (void)::cudaThreadExchangeStreamCaptureMode(&mode_); }
  RelaxedCapture(const RelaxedCapture&) = delete;
  RelaxedCapture& operator=(const RelaxedCapture&) = delete;
  ~RelaxedCapture() { (void)::cudaThreadExchangeStreamCaptureMode(&mode_); }

 private:
  cudaStreamCaptureMode mode_ = cudaStreamCaptureModeRelaxed;
};

}  // namespace

DeviceArena::DeviceArena(int device, std::uint64_t bytes, bool reserved) : size_(bytes) {
  check(::cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "a stream for copies");
  pool_ = make_pool(device);
  if (reserved) check(reserve(), "reserving the GPU's memory");
}

DeviceArena::~DeviceArena() {
  (void)::cudaStreamSynchronize(stream_);
  (void)::cudaMemPoolDestroy(pool_);
  (void)::cudaStreamDestroy(stream_);
}

cudaError_t DeviceArena::reserve() noexcept {
  void* rest = nullptr;
  cudaError_t result = ::cudaMallocFromPoolAsync(&rest, left(), pool_, stream_);
  if (result == cudaSuccess) result = ::cudaFreeAsync(rest, stream_);
  if (result == cudaSuccess) result = ::cudaStreamSynchronize(stream_);
  (void)::cudaGetLastError();
  return result;
}

void DeviceArena::hold(bool held) noexcept {
  if (held) {
    (void)reserve();  // what is not there now is taken piece by piece
    return;
  }
  (void)::cudaStreamSynchronize(stream_);
  (void)::cudaMemPoolTrimTo(pool_, 0);
}

void* DeviceArena::take(std::uint64_t bytes) noexcept {
  if (taken_.fetch_add(bytes) + bytes > size_) {
    taken_.fetch_sub(bytes);
    return nullptr;
  }
  const RelaxedCapture relaxed;
  void* memory = nullptr;
  cudaError_t result = ::cudaMallocFromPoolAsync(&memory, bytes, pool_, stream_);
  if (result == cudaSuccess) result = ::cudaStreamSynchronize(stream_);  // any stream may use it from now on
  if (result == cudaSuccess) return memory;
  taken_.fetch_sub(bytes);
  (void)::cudaGetLastError();
  return nullptr;
}

void DeviceArena::give_back(void* memory, std::uint64_t bytes) noexcept {
  const RelaxedCapture relaxed;
  (void)::cudaFreeAsync(memory, stream_);
  taken_.fetch_sub(bytes);
}

ArenaMemory::ArenaMemory(std::shared_ptr<DeviceArena> arena, std::uint64_t bytes) {
  void* const memory = arena->take(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  memory_ = {memory, ArenaGiveBack{std::move(arena), bytes}};
}

}  // namespace daris::engine::torch
