#include "engine/torch/stage_weights.hpp"

#include <ATen/ops/from_blob.h>
#include <torch/csrc/inductor/aoti_runner/model_container_runner.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>

#include "engine/torch/driver.hpp"
#include "engine/torch/weight_index.hpp"
#include "model/error.hpp"

namespace daris::engine::torch {
namespace {

using ::torch::inductor::AOTIModelPackageLoader;
using ::torch::inductor::TensorConstantMap;

// Copies of jobs that run come between two pieces.
constexpr std::size_t kWeightPiece = std::size_t{1} << 20;

at::ScalarType scalar_type_of(const std::string& word) {
  static const std::map<std::string, at::ScalarType, std::less<>> types{
      {"float16", at::kHalf}, {"bfloat16", at::kBFloat16}, {"float32", at::kFloat}, {"float64", at::kDouble},
      {"int64", at::kLong},   {"int32", at::kInt},         {"int16", at::kShort},   {"int8", at::kChar},
      {"uint8", at::kByte},   {"bool", at::kBool}};
  return types.at(word);  // parse_weight_index has checked it
}

std::map<std::string, WeightPlace> index_of(AOTIModelPackageLoader& loader, std::uint64_t bytes) {
  const auto metadata = loader.get_metadata();
  const auto text = metadata.find(kWeightIndexKey);
  if (text == metadata.end()) throw std::invalid_argument("its metadata has no index of weights");
  std::map<std::string, WeightPlace> places;
  for (WeightPlace& place : parse_weight_index(text->second, bytes)) {
    std::string name = place.name;
    places.emplace(std::move(name), std::move(place));
  }
  return places;
}

}  // namespace

StageWeights::StageWeights(std::shared_ptr<DeviceArena> arena, std::span<const std::byte> content, int device)
    : device_(device) {
  if (content.empty()) return;
  const cudaStream_t stream = arena->stream();
  memory_ = ArenaMemory(std::move(arena), content.size());
  auto* const to = static_cast<std::byte*>(memory_.data());
  for (std::size_t at = 0; at < content.size(); at += kWeightPiece) {
    const auto piece = content.subspan(at, std::min(kWeightPiece, content.size() - at));
    check(::cudaMemcpyAsync(to + at, piece.data(), piece.size(), cudaMemcpyHostToDevice, stream),
          "copying weights");
  }
  check(::cudaStreamSynchronize(stream), "copying weights");
}

void StageWeights::bind(AOTIModelPackageLoader& loader) {
  const auto places = index_of(loader, bytes());
  auto* const begin = static_cast<std::byte*>(memory_.data());
  TensorConstantMap constants;
  for (const auto& [name, original] : loader.get_runner()->getConstantNamesToOriginalFQNs()) {
    const auto found = places.find(original);
    if (found == places.end())
      throw std::invalid_argument("its index of weights lacks " + model::printable(original));
    const WeightPlace& place = found->second;
    const auto options = at::TensorOptions(scalar_type_of(place.datatype))
                             .device(at::kCUDA, static_cast<c10::DeviceIndex>(device_));
    tensors_.push_back(at::from_blob(begin + place.offset, place.shape, place.strides, options));
    constants.emplace(name, &tensors_.back());
  }
  constexpr bool kInactive = false;
  constexpr bool kAllOfThem = true;
  constexpr bool kOurs = true;  // read where they lie, not copied
  if (!constants.empty())
    loader.get_runner()->update_constant_buffer(constants, kInactive, kAllOfThem, kOurs);
}

}  // namespace daris::engine::torch
