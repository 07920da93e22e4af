// Numbers and refusals in words, the same in answers, status messages and logs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sched/outcomes.hpp"
#include "sched/types.hpp"

namespace daris::runtime {

/// At most three decimals, no trailing zeros but one: 0.82, 1, 0.125.
[[nodiscard]] std::string decimal(double value);

/// A length of time for people: 850us, 12.5ms, 3s.
[[nodiscard]] std::string duration(DurationUs us);

/// `[1,3,112,112]`.
[[nodiscard]] std::string shapeWords(std::span<const std::int64_t> shape);

/// Why a release was rejected: inequality (12) for each context tested, and the predicted finish where that
/// decided. `streams` is N_s; `releaseUs` the instant that predicted finishes count from.
[[nodiscard]] std::string rejection(std::span<const sched::AdmissionTerms> tested, sched::Priority priority,
                                    std::uint32_t streams, TimeUs releaseUs, DurationUs deadlineUs);

}  // namespace daris::runtime
