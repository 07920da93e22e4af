#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "model/error.hpp"
#include "model/joins.hpp"
#include "model/json_fields.hpp"
#include "model/manifest.hpp"
#include "model/safe_path.hpp"

namespace daris::model {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 8;
constexpr std::size_t kMaxTensors = 1024;
constexpr std::size_t kMaxDimensions = 16;
constexpr std::uint32_t kMaxBatch = 4096;
constexpr std::size_t kMaxBuilds = 64;
constexpr double kLeastTolerance = 1e-12;
constexpr std::array kDatatypes = {Datatype::kFp32, Datatype::kFp16,  Datatype::kInt64, Datatype::kInt32,
                                   Datatype::kInt8, Datatype::kUint8, Datatype::kBool};

Datatype parse_datatype(const JsonFields& fields) {
  const json& value = fields.at("datatype");
  std::string words;
  for (const Datatype datatype : kDatatypes) {
    if (value == to_word(datatype)) return datatype;
    words += (words.empty() ? "" : ", ") + std::string(to_word(datatype));
  }
  refuse_field(fields.path("datatype"), value, "one of " + words);
}

std::vector<std::int64_t> parse_shape(const JsonFields& fields, std::size_t element_size) {
  constexpr std::string_view kExpected =
      "[-1, ...]: the batch dimension first, every other one above 0, at most 1 GiB an element";
  const json& list = fields.list("shape", 1, kMaxDimensions);
  std::vector<std::int64_t> shape;
  std::uint64_t bytes = element_size;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const bool is_batch = i == 0;
    const std::int64_t dim = list[i].is_number_integer() ? list[i].get<std::int64_t>() : 0;
    const bool fits =
        is_batch ? dim == -1 : dim > 0 && static_cast<std::uint64_t>(dim) <= kMaxElementBytes / bytes;
    if (!fits) refuse_field(fields.path("shape", i), list[i], kExpected);
    if (!is_batch) bytes *= static_cast<std::uint64_t>(dim);
    shape.push_back(dim);
  }
  return shape;
}

Tensor parse_tensor(const json& value, const std::string& path) {
  const JsonFields fields(value, path, {"name", "datatype", "shape"});
  const Datatype datatype = parse_datatype(fields);
  return {fields.name("name"), datatype, parse_shape(fields, size_of(datatype))};
}

std::vector<std::string> parse_names(const JsonFields& fields, std::string_view field) {
  std::vector<std::string> names;
  for (const json& value : fields.list(field, 1, kMaxTensors)) {
    if (!is_name(value)) refuse_field(fields.path(field, names.size()), value, "the name of a tensor");
    names.push_back(value.get<std::string>());
  }
  return names;
}

Stage parse_stage(const json& value, const std::string& path) {
  const JsonFields fields(value, path, {"name", "inputs", "outputs"});
  return {fields.name("name"), parse_names(fields, "inputs"), parse_names(fields, "outputs")};
}

bool is_sha256(std::string_view text) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == 64 && std::ranges::all_of(text, is_hex);
}

File parse_file(const JsonFields& fields) {
  const std::string file = fields.text("file");
  check_safe_path(file, "model.json: " + fields.path("file"));
  if (file == kManifestFile) refuse_field(fields.path("file"), fields.at("file"), "a file beside model.json");
  const std::string digest = fields.text("sha256");
  if (!is_sha256(digest))
    refuse_field(fields.path("sha256"), fields.at("sha256"), "64 lower-case hex digits");
  return {file, digest, fields.integer("bytes", 0, kMaxPackageBytes)};
}

Sample parse_sample(const json& value, const std::string& path) {
  const JsonFields fields(value, path, {"input", "file", "sha256", "bytes"});
  return {fields.name("input"), parse_file(fields)};
}

Artifact parse_artifact(const json& value, const std::string& path) {
  const JsonFields fields(value, path, {"engine", "stage", "batch", "arch", "file", "sha256", "bytes"});
  const auto batch = static_cast<std::uint32_t>(fields.integer("batch", 1, kMaxBatch));
  return {fields.name("engine"), fields.name("stage"), batch, fields.name("arch"), parse_file(fields)};
}

Weights parse_weights(const json& value, const std::string& path) {
  const JsonFields fields(value, path, {"engine", "stage", "arch", "file", "sha256", "bytes"});
  return {fields.name("engine"), fields.name("stage"), fields.name("arch"), parse_file(fields)};
}

Datatype parse_precision(const JsonFields& fields) {
  const json& value = fields.at("precision");
  for (const Datatype precision : {Datatype::kFp16, Datatype::kFp32}) {
    if (value == to_word(precision)) return precision;
  }
  refuse_field(fields.path("precision"), value, "FP16 or FP32");
}

Layout parse_layout(const JsonFields& fields) {
  const json& value = fields.at("layout");
  if (value == "contiguous") return Layout::kContiguous;
  if (value == "channels_last") return Layout::kChannelsLast;
  refuse_field(fields.path("layout"), value, "contiguous or channels_last");
}

Build parse_build(const json& value, const std::string& path) {
  const JsonFields fields(value, path,
                          {"engine", "arch", "version", "cuda", "precision", "tf32", "layout", "tolerance"});
  return {.engine = fields.name("engine"),
          .arch = fields.name("arch"),
          .version = fields.name("version"),
          .cuda = fields.name("cuda"),
          .precision = parse_precision(fields),
          .tf32 = fields.boolean("tf32"),
          .layout = parse_layout(fields),
          .tolerance = fields.number("tolerance", kLeastTolerance, 1)};
}

template <typename Entry>
std::vector<Entry> parse_list(const JsonFields& top, std::string_view field, std::size_t min, std::size_t max,
                              Entry (*parse)(const json&, const std::string&)) {
  std::vector<Entry> entries;
  for (const json& value : top.list(field, min, max)) {
    entries.push_back(parse(value, top.path(field, entries.size())));
  }
  return entries;
}

Manifest parse_document(std::string_view text) {
  const json document = parse_json(text, kMaxDepth);
  const JsonFields top(
      document, "",
      {"formatVersion", "name", "inputs", "outputs", "tensors", "stages", "samples", "artifacts"},
      {"builds", "weights"});
  (void)top.integer("formatVersion", 1, 1);
  Manifest manifest{
      .name = top.name("name"),
      .inputs = parse_list(top, "inputs", 1, kMaxTensors, parse_tensor),
      .outputs = parse_list(top, "outputs", 1, kMaxTensors, parse_tensor),
      .tensors = parse_list(top, "tensors", 0, kMaxTensors, parse_tensor),
      .stages = parse_list(top, "stages", 1, kMaxStages, parse_stage),
      .samples = parse_list(top, "samples", 0, kMaxFiles, parse_sample),
      .artifacts = parse_list(top, "artifacts", 1, kMaxFiles, parse_artifact),
      .builds = {},
      .weights = {},
  };
  if (top.has("builds")) manifest.builds = parse_list(top, "builds", 1, kMaxBuilds, parse_build);
  if (top.has("weights")) manifest.weights = parse_list(top, "weights", 1, kMaxFiles, parse_weights);
  return manifest;
}

}  // namespace

Manifest parse_manifest(std::string_view text) {
  if (text.size() > kMaxManifestBytes) {
    throw PackageError("TooLarge", "model.json has " + std::to_string(text.size()) + " bytes; at most " +
                                       std::to_string(kMaxManifestBytes) + " are accepted");
  }
  try {
    Manifest manifest = parse_document(text);
    check_joins(manifest);
    return manifest;
  } catch (const JsonError& error) {
    throw PackageError("InvalidPackage", "model.json: " + std::string(error.what()));
  }
}

}  // namespace daris::model
