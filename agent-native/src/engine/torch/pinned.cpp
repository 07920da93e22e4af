#include "engine/torch/pinned.hpp"

#include <cuda_runtime_api.h>

#include <cstring>

#include "engine/torch/driver.hpp"

namespace daris::engine::torch {

PinnedMemory::PinnedMemory(std::size_t bytes) : size_(bytes) {
  void* memory = nullptr;
  check(::cudaHostAlloc(&memory, bytes, cudaHostAllocMapped | cudaHostAllocPortable),
        "page-locked host memory");
  memory_ = {static_cast<std::byte*>(memory), Free{}};
  std::memset(memory, 0, bytes);
}

PinnedMemory::PinnedMemory(std::span<std::byte> given) : size_(given.size()) {
  check(::cudaHostRegister(given.data(), given.size(), cudaHostRegisterMapped | cudaHostRegisterPortable),
        "page-locking memory that is shared");
  memory_ = {given.data(), Free{.given = true}};
}

void PinnedMemory::Free::operator()(std::byte* memory) const noexcept {
  if (given) {
    (void)::cudaHostUnregister(memory);
  } else {
    (void)::cudaFreeHost(memory);
  }
}

}  // namespace daris::engine::torch
