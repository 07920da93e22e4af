// Text of numbers and strings in traces and summaries: the same bytes on every machine and in every locale.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sched/utilization.hpp"

namespace daris::trace {

void appendInteger(std::string& out, std::int64_t value);
void appendUnsigned(std::string& out, std::uint64_t value);

/// The shortest text that reads back as the same double.
void appendDouble(std::string& out, double value);

/// A utilization as an exact decimal to the billionth, without exponent or trailing zeros.
void appendUtilization(std::string& out, sched::Utilization value);

/// A JSON string; `text` is UTF-8.
void appendQuoted(std::string& out, std::string_view text);

}  // namespace daris::trace
