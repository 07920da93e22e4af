// Host memory that the GPU reads and writes by itself.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace daris::engine::torch {

/// Page-locked, zeroed, mapped into the GPU's addresses.
class PinnedMemory {
 public:
  PinnedMemory() = default;
  /// Throws std::runtime_error.
  explicit PinnedMemory(std::size_t bytes);
  /// Memory of somebody else, which begins a page and outlives this: page-locked and mapped while it lives,
  /// content untouched. Throws std::runtime_error.
  explicit PinnedMemory(std::span<std::byte> given);

  [[nodiscard]] std::span<std::byte> bytes() const { return {memory_.get(), size_}; }

 private:
  struct Free {
    bool given;
    void operator()(std::byte* memory) const noexcept;
  };
  std::unique_ptr<std::byte, Free> memory_;
  std::size_t size_ = 0;
};

}  // namespace daris::engine::torch
