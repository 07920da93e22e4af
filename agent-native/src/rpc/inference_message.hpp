// Tensors of the Open Inference Protocol to and from plain bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "inference.pb.h"
#include "model/manifest.hpp"
#include "runtime/request.hpp"

namespace daris::rpc {

/// Makes the memory of one job.
using MakeMemory = std::function<std::shared_ptr<engine::JobMemory>()>;

/// Memory of a job with the inputs of a request in it, from raw or typed contents; made once all is found
/// sound. Throws InvalidArgument naming the tensor and what was expected, and what `make` throws.
[[nodiscard]] std::shared_ptr<engine::JobMemory> inputsOf(const inference::ModelInferRequest& message,
                                                          const model::Manifest& manifest,
                                                          std::uint32_t batch, const MakeMemory& make);

/// Positions in the manifest of the outputs that a request asks for; all where it names none. Throws
/// InvalidArgument for an unknown name.
[[nodiscard]] std::vector<std::size_t> outputsOf(const inference::ModelInferRequest& message,
                                                 const model::Manifest& manifest);

/// The answer to a completed request: raw contents, and how the job went as parameters `response_us`,
/// `context` and `late_us` (0 when in time).
void fillResponse(const runtime::Request& request, const model::Manifest& manifest, std::uint32_t batch,
                  const std::vector<std::size_t>& outputs, inference::ModelInferResponse& response);

}  // namespace daris::rpc
