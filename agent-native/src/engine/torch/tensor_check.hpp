// The manifest's tensors in torch's words, and whether a stage writes what the manifest says.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "model/manifest.hpp"

namespace daris::engine::torch {

[[nodiscard]] at::ScalarType scalar_type(model::Datatype datatype);

[[nodiscard]] std::vector<std::int64_t> batched_shape(const model::Tensor& tensor, std::uint32_t batch);

/// Throws EngineError InvalidArtifact where the tensors that a stage wrote are not those of the manifest:
/// their number, datatype or shape, or their order in memory: a border tensor of another layout than the
/// build's, a model output that is not row-major.
void check_outputs(const model::Manifest& manifest, model::Layout layout, std::size_t stage,
                   std::uint32_t batch, const std::vector<at::Tensor>& outputs);

}  // namespace daris::engine::torch
