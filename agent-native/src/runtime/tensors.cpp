#include "runtime/tensors.hpp"

#include <algorithm>

#include "runtime/error.hpp"
#include "runtime/words.hpp"

namespace daris::runtime {

namespace {

std::string expected(const model::Tensor& tensor, std::uint32_t batch) {
  return std::string(model::to_word(tensor.datatype)) + " " + shapeWords(shapeAt(tensor, batch));
}

std::string quoted(std::string_view name) {
  return "tensor '" + std::string(name) + "'";
}

[[noreturn]] void refuseName(const model::Manifest& manifest, std::uint32_t batch, std::string_view name) {
  std::string known;
  for (const model::Tensor& input : manifest.inputs) {
    known += (known.empty() ? "" : ", ") + input.name + " " + expected(input, batch);
  }
  throw InvalidArgument(quoted(name) + " is not an input; the inputs are: " + known);
}

void check(const model::Tensor& wanted, std::uint32_t batch, const InputTensor& given) {
  const auto shape = shapeAt(wanted, batch);
  if (given.datatype != model::to_word(wanted.datatype)) {
    throw InvalidArgument(quoted(given.name) + " has datatype '" + std::string(given.datatype) +
                          "', expected " + expected(wanted, batch));
  }
  if (!std::ranges::equal(given.shape, shape)) {
    throw InvalidArgument(quoted(given.name) + " has shape " + shapeWords(given.shape) + ", expected " +
                          expected(wanted, batch));
  }
  const std::size_t bytes = wanted.element_bytes() * batch;
  if (given.bytes.size() != bytes) {
    throw InvalidArgument(quoted(given.name) + " has " + std::to_string(given.bytes.size()) +
                          " bytes, expected " + std::to_string(bytes) + " for " + expected(wanted, batch));
  }
}

}  // namespace

std::vector<std::int64_t> shapeAt(const model::Tensor& tensor, std::uint32_t batch) {
  std::vector<std::int64_t> shape = tensor.shape;
  shape.front() = batch;
  return shape;
}

std::vector<std::span<const std::byte>> arrange(const model::Manifest& manifest, std::uint32_t batch,
                                                std::span<const InputTensor> inputs) {
  std::vector<const InputTensor*> given(manifest.inputs.size(), nullptr);
  for (const InputTensor& input : inputs) {
    const auto wanted = std::ranges::find(manifest.inputs, input.name, &model::Tensor::name);
    if (wanted == manifest.inputs.end()) refuseName(manifest, batch, input.name);
    const InputTensor*& place = given[static_cast<std::size_t>(wanted - manifest.inputs.begin())];
    if (place != nullptr) throw InvalidArgument(quoted(input.name) + " is there twice, expected once");
    check(*wanted, batch, input);
    place = &input;
  }
  std::vector<std::span<const std::byte>> arranged;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const model::Tensor& wanted = manifest.inputs[i];
    if (given[i] == nullptr) {
      throw InvalidArgument(quoted(wanted.name) + " is missing, expected " + expected(wanted, batch));
    }
    arranged.push_back(given[i]->bytes);
  }
  return arranged;
}

}  // namespace daris::runtime
