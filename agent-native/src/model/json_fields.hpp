// Exact reading of JSON: unknown, missing and ill-typed fields are refused with their path.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace daris::model {

/// Parses a document; throws PackageError InvalidPackage for bad JSON, a field that occurs twice in one
/// object, and nesting deeper than `max_depth`.
[[nodiscard]] nlohmann::json parse_json(std::string_view text, int max_depth);

/// Throws PackageError InvalidPackage: "model.json: PATH is SHOWN; expected EXPECTED".
[[noreturn]] void refuse_field(std::string_view path, const nlohmann::json& value, std::string_view expected);

/// The fields of one object. All methods throw PackageError InvalidPackage with the field's path.
class JsonFields {
 public:
  /// `value` must be an object with exactly these fields, and any of `optional`. It is referred to, not
  /// copied.
  JsonFields(const nlohmann::json& value, std::string path, std::initializer_list<std::string_view> fields,
             std::initializer_list<std::string_view> optional = {});

  /// 1 to 256 printable characters.
  [[nodiscard]] std::string name(std::string_view field) const;
  [[nodiscard]] std::string text(std::string_view field) const;
  [[nodiscard]] std::uint64_t integer(std::string_view field, std::uint64_t min, std::uint64_t max) const;
  /// A number above 0 and at most `max`.
  [[nodiscard]] double positive(std::string_view field, double max) const;
  [[nodiscard]] bool boolean(std::string_view field) const;
  [[nodiscard]] bool has(std::string_view field) const;
  /// A list with at least `min` and at most `max` entries.
  [[nodiscard]] const nlohmann::json& list(std::string_view field, std::size_t min, std::size_t max) const;
  [[nodiscard]] const nlohmann::json& at(std::string_view field) const;

  [[nodiscard]] std::string path(std::string_view field) const;
  /// PATH.field[index]
  [[nodiscard]] std::string path(std::string_view field, std::size_t index) const;

 private:
  const nlohmann::json& value_;
  std::string path_;
};

/// Whether a JSON value is a name: 1 to 256 characters, none of them a control character.
[[nodiscard]] bool is_name(const nlohmann::json& value);

}  // namespace daris::model
