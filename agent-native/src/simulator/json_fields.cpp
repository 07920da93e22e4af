// See json_fields.hpp.
#include "simulator/json_fields.hpp"

namespace daris::simulator {

namespace {

using nlohmann::json;

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw ScenarioError((path.empty() ? "scenario" : path) + ": " + what);
}

/// Sees every key while a document is parsed, since the parsed object keeps only the last of equal ones.
class DuplicateKeys {
 public:
  void see(json::parse_event_t event, const json& parsed) {
    if (event == json::parse_event_t::object_start) open_.emplace_back();
    if (event == json::parse_event_t::object_end) open_.pop_back();
    if (event != json::parse_event_t::key) return;
    const auto& key = parsed.get_ref<const std::string&>();
    if (!open_.back().insert(key).second) fail(key, "is given twice in one object");
  }

 private:
  std::vector<std::set<std::string>> open_;
};

}  // namespace

json parseStrictly(std::string_view text) {
  DuplicateKeys keys;
  try {
    return json::parse(text.begin(), text.end(), [&](int, json::parse_event_t event, const json& parsed) {
      keys.see(event, parsed);
      return true;
    });
  } catch (const json::exception& error) {
    fail("", std::string("is not JSON: ") + error.what());
  }
}

std::int64_t integerOf(const json& value, const std::string& path, std::int64_t least, std::int64_t most) {
  const std::string wanted =
      "must be an integer from " + std::to_string(least) + " to " + std::to_string(most);
  if (!value.is_number_integer()) fail(path, wanted);
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX))
    fail(path, wanted);
  const auto integer = value.get<std::int64_t>();
  if (integer < least || integer > most) fail(path, wanted);
  return integer;
}

Fields::Fields(const json& object, std::string path) : object_(object), path_(std::move(path)) {
  if (!object.is_object()) fail(path_, "must be an object");
}

bool Fields::has(std::string_view key) const {
  return object_.contains(key);
}

std::string Fields::pathOf(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

const json& Fields::value(std::string_view key) {
  asked_.emplace(key);
  const auto at = object_.find(key);
  if (at == object_.end()) fail(pathOf(key), "is missing");
  return *at;
}

const json& Fields::nonEmptyArray(std::string_view key) {
  const json& array = value(key);
  if (!array.is_array() || array.empty()) fail(pathOf(key), "must be an array with at least one element");
  return array;
}

std::int64_t Fields::integer(std::string_view key, std::int64_t least, std::int64_t most) {
  return integerOf(value(key), pathOf(key), least, most);
}

double Fields::number(std::string_view key, double least, double most) {
  const json& field = value(key);
  const double number = field.is_number() ? field.get<double>() : least - 1;
  if (!(number >= least && number <= most))
    fail(pathOf(key), "must be a number from " + json(least).dump() + " to " + json(most).dump());
  return number;
}

bool Fields::boolean(std::string_view key) {
  const json& field = value(key);
  if (!field.is_boolean()) fail(pathOf(key), "must be true or false");
  return field.get<bool>();
}

std::string Fields::text(std::string_view key) {
  const json& field = value(key);
  if (!field.is_string()) fail(pathOf(key), "must be a string");
  return field.get<std::string>();
}

std::size_t Fields::word(std::string_view key, std::initializer_list<std::string_view> words) {
  const json& field = value(key);
  std::string wanted;
  std::size_t position = 0;
  for (const std::string_view word : words) {
    if (field.is_string() && field.get_ref<const std::string&>() == word) return position;
    wanted += (position++ == 0 ? "\"" : " or \"") + std::string(word) + "\"";
  }
  fail(pathOf(key), "must be " + wanted);
}

void Fields::finish() const {
  for (const auto& [key, value] : object_.items())
    if (!asked_.contains(key)) fail(pathOf(key), "is not a field of this format");
}

}  // namespace daris::simulator
