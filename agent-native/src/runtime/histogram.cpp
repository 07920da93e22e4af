#include "runtime/histogram.hpp"

#include <algorithm>
#include <cmath>

namespace daris::runtime {

namespace {

constexpr DurationUs kSmallestBoundUs = 64;

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

void Histogram::record(DurationUs valueUs) {
  const DurationUs value = std::max<DurationUs>(valueUs, 0);
  const auto bucket = std::lower_bound(kTable.begin(), kTable.end(), value) - kTable.begin();
  ++counts_[static_cast<std::size_t>(bucket)];
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
