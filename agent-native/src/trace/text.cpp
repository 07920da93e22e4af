// See text.hpp.
#include "trace/text.hpp"

#include <charconv>

namespace daris::trace {

namespace {

template <typename Number>
void append(std::string& out, Number value) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value);
  out.append(buffer, end.ptr);
}

void appendWide(std::string& out, sched::Wide value) {
  if (value > UINT64_MAX / 10) appendWide(out, value / 10);
  if (value > UINT64_MAX / 10) {
    out.push_back(static_cast<char>('0' + static_cast<int>(value % 10)));
  } else {
    append(out, static_cast<std::uint64_t>(value));
  }
}

}  // namespace

void appendInteger(std::string& out, std::int64_t value) {
  append(out, value);
}
void appendUnsigned(std::string& out, std::uint64_t value) {
  append(out, value);
}
void appendDouble(std::string& out, double value) {
  append(out, value);
}

void appendUtilization(std::string& out, sched::Utilization value) {
  sched::Wide rest = value.billionths;
  if (rest < 0) {
    out.push_back('-');
    rest = -rest;
  }
  appendWide(out, rest / sched::kBillion);
  auto fraction = static_cast<std::int64_t>(rest % sched::kBillion);
  if (fraction == 0) return;
  char digits[10] = {'.'};
  int length = 1;
  for (std::int64_t unit = sched::kBillion / 10; fraction > 0; unit /= 10) {
    digits[length++] = static_cast<char>('0' + fraction / unit);
    fraction %= unit;
  }
  out.append(digits, static_cast<std::size_t>(length));
}

void appendQuoted(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20) {
      out.append("\\u00");
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

}  // namespace daris::trace
