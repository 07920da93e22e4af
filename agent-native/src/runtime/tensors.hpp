// A client's input tensors checked against a model: what is wrong is said in one sentence with the tensor's
// name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/manifest.hpp"

namespace daris::runtime {

/// One input as a client sent it: row-major little-endian bytes, owned by the sender.
struct InputTensor {
  std::string_view name;
  std::string_view datatype;
  std::span<const std::int64_t> shape;
  std::span<const std::byte> bytes;
};

/// The shape of a tensor at a batch size.
[[nodiscard]] std::vector<std::int64_t> shapeAt(const model::Tensor& tensor, std::uint32_t batch);

/// The bytes of the inputs in the manifest's order, still the sender's. Throws InvalidArgument: a name that
/// is unknown, missing or there twice, or another datatype, shape or byte length than the model's at this
/// batch size.
[[nodiscard]] std::vector<std::span<const std::byte>> arrange(const model::Manifest& manifest,
                                                              std::uint32_t batch,
                                                              std::span<const InputTensor> inputs);

}  // namespace daris::runtime
