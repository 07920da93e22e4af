// Reading the ONNX file of a stage, and holding it to what the manifest says.
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <openvino/core/model.hpp>
#include <openvino/runtime/compiled_model.hpp>
#include <openvino/runtime/core.hpp>
#include <span>

#include "model/manifest.hpp"

namespace daris::engine::openvino {

/// The model in these bytes, with the shapes of the artifact's batch size. Throws EngineError
/// InvalidArtifact, naming the file and what differs: not ONNX, data outside of the file, other tensors,
/// types or shapes than the stage's.
[[nodiscard]] std::shared_ptr<ov::Model> read_artifact(ov::Core& core, const model::Manifest& manifest,
                                                       const model::Artifact& artifact,
                                                       std::span<const std::byte> bytes);

/// Throws EngineError InvalidArtifact where a shape inside the compiled stage is only known while it runs:
/// its time and memory would have no bound, and OpenVINO 2026.4.1 runs on with stale data after a shape that
/// failed. To be called before the stage has run: its shapes look fixed after that.
void check_fixed_shapes(const model::Artifact& artifact, const ov::CompiledModel& compiled);

/// Throws EngineError InvalidArtifact for what OpenVINO says about the file.
[[noreturn]] void refuse_artifact(const model::Artifact& artifact, const std::string& what,
                                  const std::exception& error);

}  // namespace daris::engine::openvino
