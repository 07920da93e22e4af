#include "model/json_fields.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "model/error.hpp"

namespace daris::model {
namespace {

using nlohmann::json;
constexpr std::size_t kMaxName = 256;

[[noreturn]] void refuse(const std::string& what) {
  throw PackageError("InvalidPackage", "model.json: " + what);
}

// The parser itself would take the last of two fields of one name in silence.
class StructureCheck {
 public:
  explicit StructureCheck(int max_depth) : max_depth_(max_depth) {}

  bool operator()(int depth, json::parse_event_t event, const json& parsed) {
    if (depth > max_depth_) refuse("nested deeper than " + std::to_string(max_depth_) + " levels");
    if (event == json::parse_event_t::object_start) open_.emplace_back();
    if (event == json::parse_event_t::object_end) open_.pop_back();
    if (event == json::parse_event_t::key) check_new(parsed.get_ref<const std::string&>());
    return true;
  }

 private:
  void check_new(const std::string& field) {
    if (!open_.back().insert(field).second)
      refuse("field " + printable(field) + " occurs twice in one object");
  }

  int max_depth_;
  std::vector<std::set<std::string>> open_;
};

}  // namespace

json parse_json(std::string_view text, int max_depth) {
  StructureCheck check(max_depth);
  try {
    return json::parse(text, [&check](int depth, json::parse_event_t event, json& parsed) {
      return check(depth, event, parsed);
    });
  } catch (const json::exception& error) {
    refuse("not valid JSON: " + printable(error.what()));
  }
}

void refuse_field(std::string_view path, const json& value, std::string_view expected) {
  const std::string shown = value.is_structured() ? (value.is_array() ? "a list" : "an object")
                                                  : value.dump(-1, ' ', true, json::error_handler_t::replace);
  constexpr std::size_t kMaxShown = 60;
  refuse(std::string(path) + " is " + shown.substr(0, kMaxShown) + "; expected " + std::string(expected));
}

bool is_name(const json& value) {
  if (!value.is_string()) return false;
  const auto& name = value.get_ref<const std::string&>();
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  return !name.empty() && name.size() <= kMaxName && std::ranges::none_of(name, is_control);
}

JsonFields::JsonFields(const json& value, std::string path, std::initializer_list<std::string_view> fields,
                       std::initializer_list<std::string_view> optional)
    : value_(value), path_(std::move(path)) {
  if (!value.is_object()) refuse_field(path_.empty() ? "the document" : path_, value, "an object");
  for (const auto& [field, unused] : value.items()) {
    if (std::ranges::find(fields, field) == fields.end() &&
        std::ranges::find(optional, field) == optional.end()) {
      refuse((path_.empty() ? "" : path_ + ": ") + "unknown field " + printable(field));
    }
  }
  for (const std::string_view field : fields) {
    if (!value.contains(field)) refuse(this->path(field) + " is missing");
  }
}

std::string JsonFields::name(std::string_view field) const {
  const json& value = at(field);
  if (!is_name(value))
    refuse_field(path(field), value, "a name of 1 to 256 characters without control characters");
  return value.get<std::string>();
}

std::string JsonFields::text(std::string_view field) const {
  const json& value = at(field);
  if (!value.is_string()) refuse_field(path(field), value, "a string");
  return value.get<std::string>();
}

std::uint64_t JsonFields::integer(std::string_view field, std::uint64_t min, std::uint64_t max) const {
  const json& value = at(field);
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() < min || value.get<std::uint64_t>() > max) {
    refuse_field(path(field), value, "an integer from " + std::to_string(min) + " to " + std::to_string(max));
  }
  return value.get<std::uint64_t>();
}

double JsonFields::positive(std::string_view field, double max) const {
  const json& value = at(field);
  const double number = value.is_number() ? value.get<double>() : 0;
  if (!(number > 0 && number <= max))
    refuse_field(path(field), value, "a number above 0, at most " + json(max).dump());
  return number;
}

bool JsonFields::boolean(std::string_view field) const {
  const json& value = at(field);
  if (!value.is_boolean()) refuse_field(path(field), value, "true or false");
  return value.get<bool>();
}

bool JsonFields::has(std::string_view field) const {
  return value_.contains(field);
}

const json& JsonFields::list(std::string_view field, std::size_t min, std::size_t max) const {
  const json& value = at(field);
  if (!value.is_array()) refuse_field(path(field), value, "a list");
  if (value.size() < min || value.size() > max) {
    refuse(path(field) + " has " + std::to_string(value.size()) + " entries; expected " +
           std::to_string(min) + " to " + std::to_string(max));
  }
  return value;
}

const json& JsonFields::at(std::string_view field) const {
  return *value_.find(field);
}

std::string JsonFields::path(std::string_view field) const {
  return path_.empty() ? std::string(field) : path_ + "." + std::string(field);
}

std::string JsonFields::path(std::string_view field, std::size_t index) const {
  return path(field) + "[" + std::to_string(index) + "]";
}

}  // namespace daris::model
