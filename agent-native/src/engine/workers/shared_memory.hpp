// Memory that two processes map.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/unique_fd.hpp"

namespace daris::engine::workers {

/// A mapping and the descriptor that another process maps it by. Its size never changes, so that neither side
/// can take pages from under the other.
class SharedMemory {
 public:
  /// New and zeroed. Throws std::system_error.
  explicit SharedMemory(std::size_t bytes);
  /// That of another process. Throws std::system_error; std::runtime_error where its size might change.
  explicit SharedMemory(UniqueFd fd);

  [[nodiscard]] std::span<std::byte> bytes() const { return {memory_.get(), memory_.get_deleter().bytes}; }
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  struct Unmap {
    std::size_t bytes;
    void operator()(std::byte* memory) const noexcept;
  };
  using Mapping = std::unique_ptr<std::byte, Unmap>;

  [[nodiscard]] static Mapping map(int fd, std::size_t bytes);

  UniqueFd fd_;
  Mapping memory_;
};

}  // namespace daris::engine::workers
