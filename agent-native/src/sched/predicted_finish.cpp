// The real number nearest to an exact predicted finish, for traces and messages.
// Decisions compare the integers (admission.hpp).
#include <bit>
#include <cmath>

#include "sched/outcomes.hpp"

namespace daris::sched {

namespace {

__extension__ using UnsignedWide = unsigned __int128;

int bitWidth(UnsignedWide value) {
  const auto high = static_cast<std::uint64_t>(value >> 64);
  return high != 0 ? 64 + static_cast<int>(std::bit_width(high))
                   : static_cast<int>(std::bit_width(static_cast<std::uint64_t>(value)));
}

}  // namespace

double PredictedFinish::toDouble() const {
  const bool negative = scaledUs < 0;
  UnsignedWide numerator = static_cast<UnsignedWide>(negative ? -scaledUs : scaledUs);
  if (numerator == 0) return 0;
  // A quotient of at least 55 bits with the remainder folded into its lowest bit rounds once, to the nearest
  // double.
  const int shift = 127 - bitWidth(numerator);
  numerator <<= shift;
  UnsignedWide quotient = numerator / streams;
  bool sticky = quotient * streams != numerator;
  int exponent = -shift;
  const int excess = bitWidth(quotient) - 63;
  if (excess > 0) {
    sticky = sticky || (quotient & ((UnsignedWide{1} << excess) - 1)) != 0;
    quotient >>= excess;
    exponent += excess;
  }
  const auto mantissa = static_cast<std::int64_t>(quotient) | static_cast<std::int64_t>(sticky);
  const double magnitude = std::ldexp(static_cast<double>(mantissa), exponent);
  return negative ? -magnitude : magnitude;
}

}  // namespace daris::sched
