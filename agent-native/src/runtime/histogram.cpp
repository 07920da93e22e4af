#include "runtime/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace daris::runtime {

namespace {

constexpr DurationUs kSmallestBoundUs = 64;
constexpr int kQuarterBits = 4;  // 2^4 is a quarter of it

constexpr Histogram::Bounds makeBounds() {
  Histogram::Bounds bounds{};
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    bounds[i] = (kSmallestBoundUs << (i / 4)) * static_cast<DurationUs>(4 + i % 4) / 4;
  }
  return bounds;
}

constexpr Histogram::Bounds kTable = makeBounds();

}  // namespace

const Histogram::Bounds& Histogram::bounds() {
  return kTable;
}

Histogram& Histogram::operator=(const Histogram& other) {
  if (this == &other) return *this;
  for (std::size_t i = firstUsed_; i < endUsed_; ++i) counts_[i] = 0;
  for (std::size_t i = other.firstUsed_; i < other.endUsed_; ++i) counts_[i] = other.counts_[i];
  firstUsed_ = other.firstUsed_;
  endUsed_ = other.endUsed_;
  count_ = other.count_;
  sumUs_ = other.sumUs_;
  maxUs_ = other.maxUs_;
  return *this;
}

/// The first whose bound is not below the value.
std::size_t Histogram::bucketOf(DurationUs value) {
  if (value <= kSmallestBoundUs) return 0;
  const auto below = static_cast<std::uint64_t>(value - 1);  // at least the smallest bound
  const int octave = std::bit_width(below / kSmallestBoundUs) - 1;
  const std::uint64_t quarter = (below >> (octave + kQuarterBits)) - 4;
  return std::min(static_cast<std::size_t>(octave) * 4 + quarter + 1, kBounds);
}

void Histogram::record(DurationUs valueUs) {
  const DurationUs value = std::max<DurationUs>(valueUs, 0);
  const std::size_t bucket = bucketOf(value);
  firstUsed_ = std::min(firstUsed_, bucket);
  endUsed_ = std::max(endUsed_, bucket + 1);
  ++counts_[bucket];
  ++count_;
  sumUs_ += static_cast<std::uint64_t>(value);
  maxUs_ = std::max(maxUs_, value);
}

DurationUs Histogram::quantile(double q) const {
  if (count_ == 0) return 0;
  const auto rank =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_))));
  std::uint64_t below = 0;
  std::size_t bucket = 0;
  while (below + counts_[bucket] < rank) below += counts_[bucket++];
  const DurationUs low = bucket == 0 ? 0 : kTable[bucket - 1];
  const DurationUs high = bucket < kBounds ? std::min(kTable[bucket], maxUs_) : maxUs_;
  const double share = static_cast<double>(rank - below) / static_cast<double>(counts_[bucket]);
  return low + static_cast<DurationUs>(share * static_cast<double>(high - low));
}

}  // namespace daris::runtime
