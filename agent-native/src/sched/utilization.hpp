// Utilizations as exact integers in billionths (eq. 3, 10), so that no rounding decides an admission.
// The sums are 128 bits wide: no accepted set of tasks can overflow them.
#pragma once

#include <compare>
#include <cstdint>

#include "base/time.hpp"

namespace daris::sched {

__extension__ using Wide = __int128;

/// A utilization, a sum of them, or a difference (which may be negative), in billionths.
struct Utilization {
  Wide billionths = 0;

  friend constexpr auto operator<=>(const Utilization&, const Utilization&) = default;
  friend constexpr Utilization operator+(Utilization a, Utilization b) {
    return {a.billionths + b.billionths};
  }
  friend constexpr Utilization operator-(Utilization a, Utilization b) {
    return {a.billionths - b.billionths};
  }
  constexpr Utilization& operator+=(Utilization b) { return *this = *this + b; }
  constexpr Utilization& operator-=(Utilization b) { return *this = *this - b; }

  /// For people and metrics; decisions use the integer.
  [[nodiscard]] constexpr double toDouble() const { return static_cast<double>(billionths) / 1e9; }
};

inline constexpr std::int64_t kBillion = 1'000'000'000;

/// u = ceil(mret * 1e9 / min(D, T)): eq. 3, with min(D, T) where the paper has T (the same for D = T).
/// `mretUs` >= 0, the other two > 0.
[[nodiscard]] constexpr Utilization utilizationOf(DurationUs mretUs, DurationUs deadlineUs,
                                                  DurationUs periodUs) {
  const Wide window = deadlineUs < periodUs ? deadlineUs : periodUs;
  return {(static_cast<Wide>(mretUs) * kBillion + window - 1) / window};
}

/// The capacity of a context of N_s streams: N_s (eq. 11).
[[nodiscard]] constexpr Utilization capacityOf(std::uint32_t streams) {
  return {static_cast<Wide>(streams) * kBillion};
}

/// total_a / N_s,a < total_b / N_s,b, without division.
[[nodiscard]] constexpr bool lessLoaded(Utilization totalA, std::uint32_t streamsA, Utilization totalB,
                                        std::uint32_t streamsB) {
  return totalA.billionths * streamsB < totalB.billionths * streamsA;
}

}  // namespace daris::sched
