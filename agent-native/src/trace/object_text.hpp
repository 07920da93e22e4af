// A JSON object written field by field in the order of the calls, without a document in memory.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

#include "trace/text.hpp"

namespace daris::trace {

/// Appends to a string that must outlive it. Keys must need no escape.
class ObjectText {
 public:
  explicit ObjectText(std::string& out) : out_(out) { out_.push_back('{'); }

  /// The place where a value that the caller appends belongs.
  std::string& at(std::string_view key) {
    if (out_.back() != '{') out_.push_back(',');
    out_.append("\"").append(key).append("\":");
    return out_;
  }

  template <std::integral Integer>
  ObjectText& field(std::string_view key, Integer value) {
    if constexpr (std::same_as<Integer, bool>) {
      at(key).append(value ? "true" : "false");
    } else if constexpr (std::unsigned_integral<Integer>) {
      appendUnsigned(at(key), value);
    } else {
      appendInteger(at(key), value);
    }
    return *this;
  }
  ObjectText& field(std::string_view key, double value) {
    appendDouble(at(key), value);
    return *this;
  }
  ObjectText& field(std::string_view key, std::string_view value) {
    appendQuoted(at(key), value);
    return *this;
  }
  ObjectText& field(std::string_view key, const char* value) { return field(key, std::string_view(value)); }
  ObjectText& utilization(std::string_view key, std::int64_t billionths) {
    appendUtilization(at(key), {billionths});
    return *this;
  }

  void close() { out_.push_back('}'); }

 private:
  std::string& out_;
};

}  // namespace daris::trace
