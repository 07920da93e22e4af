#include "runtime/log.hpp"

#include <unistd.h>

#include <cstdio>

#include "runtime/clock.hpp"

namespace daris::runtime {

namespace {

std::string_view wordOf(LogLevel level) {
  switch (level) {
    case LogLevel::Info:
      return "info";
    case LogLevel::Warn:
      return "warn";
    case LogLevel::Error:
      return "error";
  }
  return "info";
}

/// Bytes of the UTF-8 sequence that starts here; 0 where none does.
std::size_t sequenceLength(std::string_view rest) {
  const auto lead = static_cast<unsigned char>(rest.front());
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xC2 ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
  if (length == 0 || rest.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(rest[i]) & 0xC0U) != 0x80U) return 0;
  }
  return length;
}

void appendCharacter(std::string& json, std::string_view character) {
  const auto byte = static_cast<unsigned char>(character.front());
  if (byte == '"' || byte == '\\') {
    json += '\\';
    json += character;
  } else if (byte < 0x20 || byte == 0x7F) {
    char escape[8];
    std::snprintf(escape, sizeof escape, "\\u%04x", byte);
    json += escape;
  } else {
    json += character;
  }
}

}  // namespace

std::string jsonString(std::string_view text) {
  std::string json = "\"";
  while (!text.empty()) {
    const std::size_t length = sequenceLength(text);
    if (length == 0) {
      json += "\\ufffd";
      text.remove_prefix(1);
    } else {
      appendCharacter(json, text.substr(0, length));
      text.remove_prefix(length);
    }
  }
  return json + '"';
}

void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  std::string line = "{\"time\":" + std::to_string(SystemClock().wallUs() / 1000) + ",\"level\":\"" +
                     std::string(wordOf(level)) + "\",\"msg\":" + jsonString(message);
  for (const auto& [key, value] : fields) line += "," + jsonString(key) + ":" + jsonString(value);
  line += "}\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace daris::runtime
