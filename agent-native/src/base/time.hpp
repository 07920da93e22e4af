// Time as the whole runtime counts it: integer microseconds of one monotonic clock.
// The scheduler never reads a clock; every instant is passed in.
#pragma once

#include <cstdint>

namespace daris {

/// An instant in microseconds. Its epoch is the caller's (steady clock in the runtime, 0 in the simulator).
using TimeUs = std::int64_t;

/// A length of time in microseconds.
using DurationUs = std::int64_t;

/// The largest instant and length that is accepted: 2^53, exact in a double and in JSON.
inline constexpr TimeUs kMaxTimeUs = TimeUs{1} << 53;

}  // namespace daris
