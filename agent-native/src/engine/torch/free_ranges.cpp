#include "engine/torch/free_ranges.hpp"

#include <algorithm>
#include <iterator>

namespace daris::engine::torch {

FreeRanges::FreeRanges(std::size_t bytes, std::size_t granule)
    : granule_(granule), left_(bytes / granule * granule) {
  if (left_ > 0) free_.emplace(0, left_);
}

std::size_t FreeRanges::rounded(std::size_t bytes) const {
  return (std::max<std::size_t>(bytes, 1) + granule_ - 1) / granule_ * granule_;
}

std::optional<std::size_t> FreeRanges::take(std::size_t bytes) {
  if (bytes > left_) return std::nullopt;
  const std::size_t wanted = rounded(bytes);
  const auto found = std::ranges::find_if(free_, [&](const auto& range) { return range.second >= wanted; });
  if (found == free_.end()) return std::nullopt;
  const auto [offset, size] = *found;
  free_.erase(found);
  if (size > wanted) free_.emplace(offset + wanted, size - wanted);
  left_ -= wanted;
  return offset;
}

void FreeRanges::give_back(std::size_t offset, std::size_t bytes) {
  std::size_t size = rounded(bytes);
  left_ += size;
  auto next = free_.lower_bound(offset);
  if (next != free_.end() && next->first == offset + size) {
    size += next->second;
    next = free_.erase(next);
  }
  if (next != free_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == offset) {
      before->second += size;
      return;
    }
  }
  free_.emplace(offset, size);
}

}  // namespace daris::engine::torch
