// Tensors of the Open Inference Protocol to and from plain bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "inference.pb.h"
#include "model/manifest.hpp"
#include "runtime/request.hpp"

namespace daris::rpc {

/// The inputs of a request in the manifest's order, from raw or typed contents. Throws InvalidArgument naming
/// the tensor and what was expected.
[[nodiscard]] std::vector<std::vector<std::byte>> inputsOf(const inference::ModelInferRequest& message,
                                                           const model::Manifest& manifest,
                                                           std::uint32_t batch);

/// Positions in the manifest of the outputs that a request asks for; all where it names none. Throws
/// InvalidArgument for an unknown name.
[[nodiscard]] std::vector<std::size_t> outputsOf(const inference::ModelInferRequest& message,
                                                 const model::Manifest& manifest);

/// The answer to a completed request: raw contents, and how the job went as parameters `response_us`,
/// `context` and `late_us` (0 when in time).
void fillResponse(const runtime::Request& request, const model::Manifest& manifest, std::uint32_t batch,
                  const std::vector<std::size_t>& outputs, inference::ModelInferResponse& response);

}  // namespace daris::rpc
