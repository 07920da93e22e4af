// Response times in fixed buckets, four to an octave: an upper bound is at most 1.25 times the one before.
// Recording is a few instructions and allocates nothing; quantiles are read from the counts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.hpp"

namespace daris::runtime {

class Histogram {
 public:
  static constexpr std::size_t kOctaves = 21;  // 64 us to 134 s
  static constexpr std::size_t kBounds = kOctaves * 4 + 1;
  using Bounds = std::array<DurationUs, kBounds>;

  Histogram() = default;
  Histogram(const Histogram&) = default;
  /// Copies the buckets in use alone: the response times of a task lie in a few of them.
  Histogram& operator=(const Histogram& other);

  /// Inclusive upper bounds of all buckets but the last, which has none.
  [[nodiscard]] static const Bounds& bounds();

  void record(DurationUs valueUs);

  /// By nearest rank, interpolated within its bucket; 0 when empty. 0 < q <= 1.
  [[nodiscard]] DurationUs quantile(double q) const;

  [[nodiscard]] const std::array<std::uint64_t, kBounds + 1>& counts() const { return counts_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t sumUs() const { return sumUs_; }

 private:
  [[nodiscard]] static std::size_t bucketOf(DurationUs value);

  std::uint64_t count_ = 0;
  std::uint64_t sumUs_ = 0;
  DurationUs maxUs_ = 0;
  // Buckets below the first and from the end on are 0.
  std::size_t firstUsed_ = kBounds + 1;
  std::size_t endUsed_ = 0;
  std::array<std::uint64_t, kBounds + 1> counts_{};
};

}  // namespace daris::runtime
