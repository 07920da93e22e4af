// A model on the CPU: its stages read once, and compiled once for each thread that runs them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <openvino/runtime/compiled_model.hpp>
#include <openvino/runtime/core.hpp>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/engine.hpp"

namespace daris::engine::openvino {

/// The word for this engine in manifests.
inline constexpr const char* kEngine = "openvino";

/// The stages of a model at one batch size, compiled, in order.
using CompiledStages = std::vector<ov::CompiledModel>;

/// One batch element for each input that the package has a sample of.
using Samples = std::map<std::string, std::vector<std::byte>>;

/// A compiled model of OpenVINO has one graph, and an inference holds its lock from start to end (seen in
/// 2026.4.1: two threads on one compiled model take turns; more streams mean more graphs, but inference
/// then leaves the calling thread). So there is a *copy* of the compiled stages for each worker, made
/// when the first slot needs it, and one, kMeasuringCopy, for measurements: no stage ever waits for a
/// stage of another stream.
class OpenvinoModel : public LoadedModel {
 public:
  static constexpr std::uint32_t kMeasuringCopy = 0;

  /// Reads and checks all artifacts, and compiles the measuring copy of each batch size. Call in the
  /// background. Throws EngineError, model::PackageError.
  OpenvinoModel(ov::Core& core, const model::Package& package, const std::stop_token& stop);

  [[nodiscard]] const model::Manifest& manifest() const override { return manifest_; }
  [[nodiscard]] const std::string& digest() const override { return digest_; }
  [[nodiscard]] const std::vector<std::uint32_t>& batches() const override { return batches_; }
  [[nodiscard]] std::uint64_t memory_bytes() const override;

  [[nodiscard]] const Samples& samples() const { return samples_; }

  /// The stages of a batch size for one copy; compiled and run once when it is new, which takes long: call in
  /// the background. Throws EngineError UnknownBatch.
  [[nodiscard]] std::shared_ptr<CompiledStages> compiled(std::uint32_t batch, std::uint32_t copy) const;

 private:
  struct Batch {
    std::vector<std::shared_ptr<ov::Model>> stages;
    std::uint64_t bytes = 0;
    std::map<std::uint32_t, std::shared_ptr<CompiledStages>> copies;
  };

  void read_batch(const model::Package& package, std::uint32_t batch, const std::stop_token& stop);
  [[nodiscard]] std::shared_ptr<CompiledStages> compile(const Batch& batch, std::uint32_t size) const;

  ov::Core& core_;  // of the engine, which outlives its models
  model::Manifest manifest_;
  std::string digest_;
  std::vector<std::uint32_t> batches_;
  Samples samples_;
  // Guards `copies` of each batch; held while compiling, never by dispatcher or workers.
  mutable std::mutex mutex_;
  mutable std::map<std::uint32_t, Batch> by_size_;
};

}  // namespace daris::engine::openvino
