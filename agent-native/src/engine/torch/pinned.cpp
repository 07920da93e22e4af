#include "engine/torch/pinned.hpp"

#include <cuda_runtime_api.h>

#include <cstring>

#include "engine/torch/driver.hpp"

namespace daris::engine::torch {

PinnedMemory::PinnedMemory(std::size_t bytes) : size_(bytes) {
  void* memory = nullptr;
  check(::cudaHostAlloc(&memory, bytes, cudaHostAllocMapped | cudaHostAllocPortable),
        "page-locked host memory");
  memory_.reset(static_cast<std::byte*>(memory));
  std::memset(memory, 0, bytes);
}

void PinnedMemory::Free::operator()(std::byte* memory) const noexcept {
  (void)::cudaFreeHost(memory);
}

}  // namespace daris::engine::torch
