// See json_fields.hpp.
#include "simulator/json_fields.hpp"

namespace daris::simulator {

namespace {

using nlohmann::json;

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw ScenarioError((path.empty() ? "scenario" : path) + ": " + what);
}

/// The format itself is five deep; no path in an error gets out of hand.
constexpr std::size_t kMostNested = 32;

/// Walks a document before it is parsed: a parsed object keeps only the last of equal keys, and an error of
/// the parser does not say which field it is in.
class Walk final : public json::json_sax_t {
 public:
  bool null() override { return element(); }
  bool boolean(bool) override { return element(); }
  bool number_integer(number_integer_t) override { return element(); }
  bool number_unsigned(number_unsigned_t) override { return element(); }
  bool number_float(number_float_t, const string_t&) override { return element(); }
  bool string(string_t&) override { return element(); }
  bool binary(binary_t&) override { return element(); }
  bool start_object(std::size_t) override { return open(false); }
  bool start_array(std::size_t) override { return open(true); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& key) override {
    Level& level = open_.back();
    level.key = key;
    if (!level.seen.insert(key).second) fail(path(), "is given twice in one object");
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const json::exception& error) override {
    fail(path(), std::string("is not JSON: ") + error.what());
  }

 private:
  struct Level {
    bool array = false;
    std::size_t index = 0;  // of the element that is read or comes next
    std::string key;        // the last one read
    std::set<std::string> seen;
  };

  bool open(bool array) {
    if (open_.size() == kMostNested) {
      open_.resize(1);
      fail(path(), "is nested more than " + std::to_string(kMostNested) + " deep");
    }
    open_.push_back({array, 0, {}, {}});
    return true;
  }

  bool close() {
    open_.pop_back();
    return element();
  }

  bool element() {
    if (!open_.empty()) ++open_.back().index;
    return true;
  }

  /// Of what is read at the moment: tasks[2].execUs[0][1]. Empty outside of every field.
  [[nodiscard]] std::string path() const {
    std::string path;
    for (const Level& level : open_) {
      if (level.array) {
        path += "[" + std::to_string(level.index) + "]";
      } else if (!level.key.empty()) {
        path += (path.empty() ? "" : ".") + level.key;
      }
    }
    return path;
  }

  std::vector<Level> open_;
};

}  // namespace

json parseStrictly(std::string_view text) {
  Walk walk;
  (void)json::sax_parse(text.begin(), text.end(), &walk);
  return json::parse(text.begin(), text.end());
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
