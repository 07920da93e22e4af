// A package's compiled stages, each loaded once: its weights are on the GPU once, whatever the number of
// slots.
#pragma once

#include <torch/csrc/inductor/aoti_package/model_package_loader.h>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "engine/torch/build_check.hpp"
#include "engine/torch/memories.hpp"
#include "engine/torch/stage_weights.hpp"

namespace daris::engine::torch {

inline constexpr const char* kEngine = "torch";

/// Samples by input: one batch element each.
using Samples = std::map<std::string, std::vector<std::byte>>;

/// The stages of one batch size. A loader takes no lock: one thread at a time may run any of a process's.
using Stages = std::vector<std::unique_ptr<::torch::inductor::AOTIModelPackageLoader>>;

class TorchModel : public LoadedModel {
 public:
  /// Throws EngineError, or model::PackageError when a file changed under it.
  TorchModel(const model::Package& package, const Target& target, const Memories& memories,
             const std::stop_token& stop);

  [[nodiscard]] const model::Manifest& manifest() const override { return manifest_; }
  [[nodiscard]] const std::string& digest() const override { return digest_; }
  [[nodiscard]] const std::vector<std::uint32_t>& batches() const override { return batches_; }
  [[nodiscard]] std::uint64_t memory_bytes() const override;

  [[nodiscard]] const Samples& samples() const { return samples_; }
  [[nodiscard]] const model::Build& build() const { return build_; }
  /// Throws EngineError UnknownBatch.
  [[nodiscard]] const Stages& stages(std::uint32_t batch) const;

 private:
  void load_weights(const model::Package& package, const std::string& arch, const Memories& memories);
  void load_batch(const model::Package& package, const Target& target, int device, std::uint32_t batch);

  model::Manifest manifest_;
  std::string digest_;
  std::vector<std::uint32_t> batches_;
  model::Build build_;
  Samples samples_;
  // Before the loaders, which read them: one for each stage.
  std::vector<std::unique_ptr<StageWeights>> weights_;
  std::map<std::uint32_t, Stages> by_size_;
};

}  // namespace daris::engine::torch
