#include "engine/torch/tensor_check.hpp"

#include <algorithm>
#include <sstream>

#include "engine/engine.hpp"

namespace daris::engine::torch {
namespace {

std::string described(at::ScalarType type, c10::IntArrayRef shape) {
  std::ostringstream text;
  text << c10::toString(type) << ' ' << shape;
  return text.str();
}

[[noreturn]] void refuse_stage(const model::Stage& stage, std::uint32_t batch, const std::string& what) {
  throw EngineError("InvalidArtifact", "stage '" + stage.name + "' at batch " + std::to_string(batch) + " " +
                                           what + "; package the model anew");
}

void check_output(const model::Manifest& manifest, model::Layout layout, const model::Stage& stage,
                  std::uint32_t batch, const std::string& name, const at::Tensor& is) {
  const model::Tensor& wanted = *manifest.tensor(name);
  const std::vector<std::int64_t> shape = batched_shape(wanted, batch);
  if (is.scalar_type() != scalar_type(wanted.datatype) || is.sizes() != c10::IntArrayRef(shape)) {
    refuse_stage(stage, batch,
                 "writes " + model::printable(name) + " as " + described(is.scalar_type(), is.sizes()) +
                     ", model.json says " + described(scalar_type(wanted.datatype), shape));
  }
  constexpr int kImageDimensions = 4;
  const bool leaves =
      std::ranges::find(manifest.outputs, name, &model::Tensor::name) != manifest.outputs.end();
  const bool innermost_channels =
      !leaves && layout == model::Layout::kChannelsLast && is.dim() == kImageDimensions;
  const auto order = innermost_channels ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  if (is.is_contiguous(order)) return;
  refuse_stage(stage, batch,
               "writes " + model::printable(name) + " in another order of memory than " +
                   (innermost_channels ? "channels_last" : "row-major"));
}

}  // namespace

at::ScalarType scalar_type(model::Datatype datatype) {
  switch (datatype) {
    case model::Datatype::kFp32:
      return at::kFloat;
    case model::Datatype::kFp16:
      return at::kHalf;
    case model::Datatype::kInt64:
      return at::kLong;
    case model::Datatype::kInt32:
      return at::kInt;
    case model::Datatype::kInt8:
      return at::kChar;
    case model::Datatype::kUint8:
      return at::kByte;
    case model::Datatype::kBool:
      return at::kBool;
  }
  return at::kFloat;
}

std::vector<std::int64_t> batched_shape(const model::Tensor& tensor, std::uint32_t batch) {
  std::vector<std::int64_t> shape = tensor.shape;
  shape.front() = batch;
  return shape;
}

void check_outputs(const model::Manifest& manifest, model::Layout layout, std::size_t index,
                   std::uint32_t batch, const std::vector<at::Tensor>& outputs) {
  const model::Stage& stage = manifest.stages[index];
  if (outputs.size() != stage.outputs.size()) {
    refuse_stage(stage, batch,
                 "writes " + std::to_string(outputs.size()) + " tensors, model.json says " +
                     std::to_string(stage.outputs.size()));
  }
  for (std::size_t i = 0; i < outputs.size(); ++i)
    check_output(manifest, layout, stage, batch, stage.outputs[i], outputs[i]);
}

}  // namespace daris::engine::torch
