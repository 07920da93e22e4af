#include "rpc/inference_message.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>

#include "runtime/error.hpp"
#include "runtime/tensors.hpp"

namespace daris::rpc {

namespace {

using inference::InferTensorContents;
using runtime::InvalidArgument;

template <typename Element, typename Values>
std::vector<std::byte> bytesOf(const Values& values) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(values.size()) * sizeof(Element));
  std::byte* to = bytes.data();
  for (const auto value : values) {
    const auto element = static_cast<Element>(value);
    std::memcpy(to, &element, sizeof element);
    to += sizeof element;
  }
  return bytes;
}

template <typename Element, typename Values>
std::vector<std::byte> narrowed(const std::string& name, const Values& values) {
  for (const auto value : values) {
    if (value < std::numeric_limits<Element>::min() || value > std::numeric_limits<Element>::max()) {
      throw InvalidArgument("tensor '" + name + "' has the value " + std::to_string(value) +
                            ", which its datatype cannot hold");
    }
  }
  return bytesOf<Element>(values);
}

/// Typed contents, in the field that the protocol has for the tensor's datatype.
std::vector<std::byte> typedBytes(const inference::ModelInferRequest::InferInputTensor& input) {
  const InferTensorContents& contents = input.contents();
  const std::string& type = input.datatype();
  if (type == "FP32") return bytesOf<float>(contents.fp32_contents());
  if (type == "INT64") return bytesOf<std::int64_t>(contents.int64_contents());
  if (type == "INT32") return bytesOf<std::int32_t>(contents.int_contents());
  if (type == "INT8") return narrowed<std::int8_t>(input.name(), contents.int_contents());
  if (type == "UINT8") return narrowed<std::uint8_t>(input.name(), contents.uint_contents());
  if (type == "BOOL") return bytesOf<std::uint8_t>(contents.bool_contents());
  throw InvalidArgument("tensor '" + input.name() + "' has datatype '" + type +
                        "', which has no typed contents; send raw_input_contents");
}

runtime::InputTensor viewOf(const inference::ModelInferRequest::InferInputTensor& input,
                            std::span<const std::byte> bytes) {
  return {input.name(),
          input.datatype(),
          {input.shape().data(), static_cast<std::size_t>(input.shape_size())},
          bytes};
}

void checkRawCount(const inference::ModelInferRequest& message) {
  if (message.raw_input_contents_size() == message.inputs_size()) return;
  throw InvalidArgument("raw_input_contents has " + std::to_string(message.raw_input_contents_size()) +
                        " entries, expected one for each of the " + std::to_string(message.inputs_size()) +
                        " inputs");
}

}  // namespace

std::shared_ptr<engine::JobMemory> inputsOf(const inference::ModelInferRequest& message,
                                            const model::Manifest& manifest, std::uint32_t batch,
                                            const MakeMemory& make) {
  const bool raw = message.raw_input_contents_size() > 0;
  if (raw) checkRawCount(message);
  std::vector<std::vector<std::byte>> typed(static_cast<std::size_t>(message.inputs_size()));
  std::vector<runtime::InputTensor> inputs;
  for (int i = 0; i < message.inputs_size(); ++i) {
    const auto& input = message.inputs(i);
    if (raw) {
      const std::string& bytes = message.raw_input_contents(i);
      inputs.push_back(viewOf(input, std::as_bytes(std::span(bytes.data(), bytes.size()))));
      continue;
    }
    auto& bytes = typed[static_cast<std::size_t>(i)];
    // A tensor whose datatype is wrong is told so by arrange(), whatever its contents.
    const model::Tensor* wanted = manifest.tensor(input.name());
    if (wanted != nullptr && input.datatype() == model::to_word(wanted->datatype)) bytes = typedBytes(input);
    inputs.push_back(viewOf(input, bytes));
  }
  const auto arranged = runtime::arrange(manifest, batch, inputs);
  auto memory = make();
  for (std::size_t i = 0; i < arranged.size(); ++i) std::ranges::copy(arranged[i], memory->input(i).begin());
  return memory;
}

std::vector<std::size_t> outputsOf(const inference::ModelInferRequest& message,
                                   const model::Manifest& manifest) {
  std::vector<std::size_t> positions;
  if (message.outputs_size() == 0) {
    for (std::size_t i = 0; i < manifest.outputs.size(); ++i) positions.push_back(i);
  }
  for (const auto& asked : message.outputs()) {
    const auto found = std::ranges::find(manifest.outputs, asked.name(), &model::Tensor::name);
    if (found == manifest.outputs.end()) {
      std::string known;
      for (const auto& output : manifest.outputs) known += (known.empty() ? "" : ", ") + output.name;
      throw InvalidArgument("tensor '" + asked.name() + "' is not an output; the outputs are: " + known);
    }
    positions.push_back(static_cast<std::size_t>(found - manifest.outputs.begin()));
  }
  return positions;
}

void fillResponse(const runtime::Request& request, const model::Manifest& manifest, std::uint32_t batch,
                  const std::vector<std::size_t>& outputs, inference::ModelInferResponse& response) {
  auto& parameters = *response.mutable_parameters();
  parameters["response_us"].set_int64_param(request.outcome.responseUs);
  parameters["context"].set_int64_param(request.outcome.context);
  parameters["late_us"].set_int64_param(request.outcome.lateUs);
  for (const std::size_t position : outputs) {
    const model::Tensor& tensor = manifest.outputs[position];
    auto& output = *response.add_outputs();
    output.set_name(tensor.name);
    output.set_datatype(std::string(model::to_word(tensor.datatype)));
    for (const std::int64_t size : runtime::shapeAt(tensor, batch)) output.add_shape(size);
    const std::span<const std::byte> bytes = request.memory->output(position);
    response.add_raw_output_contents(bytes.data(), bytes.size());
  }
}

}  // namespace daris::rpc
