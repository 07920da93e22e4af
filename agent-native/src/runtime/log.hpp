// Log lines: one JSON object each on stderr, a constant message and variables as keys.
// Never called by the dispatcher.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace daris::runtime {

enum class LogLevel { Info, Warn, Error };

using LogField = std::pair<std::string_view, std::string>;

/// Any thread; one write for the whole line, so that lines never mix.
void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

/// `text` as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string jsonString(std::string_view text);

}  // namespace daris::runtime
