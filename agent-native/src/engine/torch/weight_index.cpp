#include "engine/torch/weight_index.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "model/error.hpp"
#include "model/json_fields.hpp"

namespace daris::engine::torch {
namespace {

using nlohmann::json;

constexpr int kDepth = 4;
constexpr std::size_t kFields = 5;  // name, datatype, shape, strides, offset
constexpr std::size_t kMaxDimensions = 16;
constexpr std::int64_t kMaxExtent = std::int64_t{1} << 40;  // of a dimension or stride: no product overflows
constexpr std::array<std::pair<std::string_view, std::uint64_t>, 10> kDatatypes{{{"float16", 2},
                                                                                 {"bfloat16", 2},
                                                                                 {"float32", 4},
                                                                                 {"float64", 8},
                                                                                 {"int64", 8},
                                                                                 {"int32", 4},
                                                                                 {"int16", 2},
                                                                                 {"int8", 1},
                                                                                 {"uint8", 1},
                                                                                 {"bool", 1}}};

[[noreturn]] void refuse(const std::string& name, const std::string& what) {
  throw std::invalid_argument("its weight " + model::printable(name) + " " + what);
}

std::uint64_t size_of(const WeightPlace& place) {
  const auto found =
      std::ranges::find(kDatatypes, place.datatype, [](const auto& datatype) { return datatype.first; });
  if (found == kDatatypes.end())
    refuse(place.name, "has the unknown datatype " + model::printable(place.datatype));
  return found->second;
}

std::vector<std::int64_t> extents(const std::string& name, const json& value) {
  if (!value.is_array() || value.size() > kMaxDimensions) refuse(name, "has no shape");
  std::vector<std::int64_t> list;
  for (const json& each : value) {
    const std::int64_t extent = each.is_number_integer() ? each.get<std::int64_t>() : -1;
    if (extent < 0 || extent > kMaxExtent) refuse(name, "has a shape out of range");
    list.push_back(extent);
  }
  return list;
}

/// Whether all elements lie within the `room` from the first on.
bool fits(const WeightPlace& place, std::uint64_t room) {
  if (std::ranges::find(place.shape, 0) != place.shape.end()) return true;
  if (room == 0) return false;
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < place.shape.size(); ++i) {
    const auto steps = static_cast<std::uint64_t>(place.shape[i] - 1);
    const auto stride = static_cast<std::uint64_t>(place.strides[i]);
    if (stride > 0 && steps > (room - 1 - last) / stride) return false;
    last += steps * stride;
  }
  return true;
}

WeightPlace parse_place(const json& value, std::uint64_t bytes) {
  if (!value.is_array() || value.size() != kFields || !value[0].is_string() || !value[1].is_string() ||
      !value[4].is_number_unsigned()) {
    throw std::invalid_argument("its index of weights has an entry that is none");
  }
  WeightPlace place{.name = value[0].get<std::string>(),
                    .datatype = value[1].get<std::string>(),
                    .shape = {},
                    .strides = {},
                    .offset = value[4].get<std::uint64_t>()};
  place.shape = extents(place.name, value[2]);
  place.strides = extents(place.name, value[3]);
  if (place.shape.size() != place.strides.size()) refuse(place.name, "has another number of strides");
  const std::uint64_t size = size_of(place);
  if (place.offset % size != 0) refuse(place.name, "does not begin at a multiple of its datatype's size");
  const std::uint64_t room = place.offset <= bytes ? (bytes - place.offset) / size : 0;
  if (!fits(place, room)) refuse(place.name, "reaches beyond the stage's weights file");
  return place;
}

}  // namespace

std::vector<WeightPlace> parse_weight_index(std::string_view text, std::uint64_t bytes) {
  std::vector<WeightPlace> places;
  try {
    const json list = model::parse_json(text, kDepth);
    if (!list.is_array()) throw std::invalid_argument("its index of weights is no list");
    for (const json& value : list) places.push_back(parse_place(value, bytes));
  } catch (const model::JsonError& error) {
    throw std::invalid_argument("its index of weights cannot be read: " + std::string(error.what()));
  }
  return places;
}

}  // namespace daris::engine::torch
