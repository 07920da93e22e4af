// From a URI to a model that is ready to run, with sample inputs; and its AFETs, where they are wanted.
// Blocks; the loader's alone.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "model/manifest.hpp"
#include "runtime/observed_state.hpp"
#include "runtime/slot_factory.hpp"

namespace daris::runtime {

struct ModelRequest {
  std::string digest;
  std::vector<std::string> uris;  // where it may be; the first that opens is taken
};

/// Either a model that is ready, or why it is not.
struct LoadResult {
  std::shared_ptr<const engine::LoadedModel> model;  // null: failed
  std::string uri;
  std::shared_ptr<const model::Manifest> manifest;  // failed: of a package that opened
  std::shared_ptr<const SampleInputs> sample;
  std::string reason;
  std::string message;
};

/// Told of stages measured so far and in all, each counted once for each batch size.
using MeasureProgress = std::function<void(std::uint32_t measured, std::uint32_t of)>;

/// Opens, verifies and loads a model; never throws. Reasons: those of model::PackageError and
/// engine::EngineError, LoadFailed for anything else.
[[nodiscard]] LoadResult loadModel(engine::Engine& engine, const std::filesystem::path& modelRoot,
                                   const ModelRequest& request, std::stop_token stop);

/// Either AFETs under the partitioning in force, or why there are none.
struct MeasureResult {
  std::vector<BatchTiming> batches;
  std::string reason;  // empty: measured
  std::string message;
};

/// Measures each stage at each batch size; never throws. Reasons: those of engine::EngineError, MeasureFailed
/// for anything else.
[[nodiscard]] MeasureResult measureModel(engine::Engine& engine,
                                         const std::shared_ptr<const engine::LoadedModel>& model,
                                         std::stop_token stop, const MeasureProgress& progress);

}  // namespace daris::runtime
