// Which parts of a block of memory nobody has taken. Arithmetic alone: the block is its owner's.
#pragma once

#include <cstddef>
#include <map>
#include <optional>

namespace daris::engine::torch {

/// Takes the first range that is large enough; ranges given back join their neighbours.
class FreeRanges {
 public:
  /// Of so many bytes; all that is taken begins at a multiple of `granule` and is rounded up to one.
  FreeRanges(std::size_t bytes, std::size_t granule);

  /// Offset of a range of its own; none where no free range is large enough.
  [[nodiscard]] std::optional<std::size_t> take(std::size_t bytes);
  /// What take() answered for so many bytes.
  void give_back(std::size_t offset, std::size_t bytes);

  [[nodiscard]] std::size_t left() const { return left_; }

 private:
  [[nodiscard]] std::size_t rounded(std::size_t bytes) const;

  std::size_t granule_;
  std::size_t left_;
  std::map<std::size_t, std::size_t> free_;  // size by offset; no two touch
};

}  // namespace daris::engine::torch
