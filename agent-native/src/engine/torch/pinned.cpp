#include "engine/torch/pinned.hpp"

#include <cuda_runtime_api.h>

#include <cstring>
#include <utility>

#include "engine/engine.hpp"
#include "engine/torch/driver.hpp"

namespace daris::engine::torch {
namespace {

constexpr std::size_t kGranule = 256;

CUdeviceptr device_address(void* host) {
  void* address = nullptr;
  check(::cudaHostGetDevicePointer(&address, host, 0), "the address of page-locked memory");
  return reinterpret_cast<CUdeviceptr>(address);
}

}  // namespace

PinnedArena::PinnedArena(std::size_t bytes) : size_(bytes), ranges_(bytes, kGranule) {
  void* memory = nullptr;
  check(::cudaHostAlloc(&memory, bytes, cudaHostAllocMapped | cudaHostAllocPortable),
        "page-locked host memory");
  memory_ = static_cast<std::byte*>(memory);
  device_ = device_address(memory);
}

PinnedArena::~PinnedArena() {
  (void)::cudaFreeHost(memory_);
}

std::byte* PinnedArena::take(std::size_t bytes) {
  const std::scoped_lock lock(mutex_);
  if (const auto offset = ranges_.take(bytes)) return memory_ + *offset;
  throw EngineError("OutOfMemory", "the buffers of a slot or job take " + std::to_string(bytes >> 10) +
                                       " KiB of page-locked host memory, and of " +
                                       std::to_string(size_ >> 20) + " MiB " +
                                       std::to_string(ranges_.left() >> 20) +
                                       " MiB are left; use smaller batches or fewer streams, or start the "
                                       "runtime with a larger --pinned-memory");
}

void PinnedArena::give_back(std::byte* memory, std::size_t bytes) noexcept {
  const std::scoped_lock lock(mutex_);
  ranges_.give_back(static_cast<std::size_t>(memory - memory_), bytes);
}

PinnedMemory::PinnedMemory(std::shared_ptr<PinnedArena> arena, std::size_t bytes) {
  std::byte* const memory = arena->take(bytes);
  device_ = arena->device_ + static_cast<CUdeviceptr>(memory - arena->memory_);
  memory_ = {memory, PinnedGiveBack{std::move(arena), bytes}};
  std::memset(memory, 0, bytes);
}

PinnedMemory::PinnedMemory(std::span<std::byte> given) {
  check(::cudaHostRegister(given.data(), given.size(), cudaHostRegisterMapped | cudaHostRegisterPortable),
        "page-locking memory that is shared");
  memory_ = {given.data(), PinnedGiveBack{nullptr, given.size()}};
  device_ = device_address(given.data());
}

void PinnedGiveBack::operator()(std::byte* memory) const noexcept {
  if (arena) {
    arena->give_back(memory, size);
  } else {
    (void)::cudaHostUnregister(memory);
  }
}

}  // namespace daris::engine::torch
