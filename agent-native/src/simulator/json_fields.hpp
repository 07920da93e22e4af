// Checked reading of JSON objects: every field is asked for by name and kind, and what nobody asked for is an
// error. All errors are ScenarioErrors that begin with the path of the field.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "simulator/scenario.hpp"

namespace daris::simulator {

/// Parses a text strictly: no duplicate keys, nothing behind the value.
nlohmann::json parseStrictly(std::string_view text);

/// An integer without fraction or exponent, `path` for the error.
std::int64_t integerOf(const nlohmann::json& value, const std::string& path, std::int64_t least,
                       std::int64_t most);

/// The fields of one object. finish() refuses those that were never asked for.
class Fields {
 public:
  /// `path` is empty for the document itself.
  Fields(const nlohmann::json& object, std::string path);

  [[nodiscard]] bool has(std::string_view key) const;
  [[nodiscard]] std::string pathOf(std::string_view key) const;

  const nlohmann::json& value(std::string_view key);
  const nlohmann::json& nonEmptyArray(std::string_view key);
  std::int64_t integer(std::string_view key, std::int64_t least, std::int64_t most);
  double number(std::string_view key, double least, double most);
  bool boolean(std::string_view key);
  std::string text(std::string_view key);

  /// The position of the field's text among `words`.
  std::size_t word(std::string_view key, std::initializer_list<std::string_view> words);

  void finish() const;

 private:
  const nlohmann::json& object_;
  std::string path_;
  std::set<std::string, std::less<>> asked_;
};

}  // namespace daris::simulator
