// A model of which only the times of its stages are known.
#pragma once

#include <map>
#include <stop_token>

#include "engine/engine.hpp"
#include "engine/sim/stage_time.hpp"

namespace daris::engine::sim {

class SimModel : public LoadedModel {
 public:
  /// Reads and checks all artifacts. Throws EngineError, model::PackageError.
  SimModel(const model::Package& package, const std::stop_token& stop);

  [[nodiscard]] const model::Manifest& manifest() const override { return manifest_; }
  [[nodiscard]] const std::string& digest() const override { return digest_; }
  [[nodiscard]] const std::vector<std::uint32_t>& batches() const override { return batches_; }
  /// That of the artifacts: there are no weights.
  [[nodiscard]] std::uint64_t memory_bytes() const override { return memory_bytes_; }

  /// By stage. Throws EngineError UnknownBatch.
  [[nodiscard]] const std::vector<StageTime>& times(std::uint32_t batch) const;

  /// One batch element of an input; null where the package has no sample of it.
  [[nodiscard]] const std::vector<std::byte>* sample(const std::string& input) const;

 private:
  model::Manifest manifest_;
  std::string digest_;
  std::vector<std::uint32_t> batches_;
  std::uint64_t memory_bytes_ = 0;
  std::map<std::uint32_t, std::vector<StageTime>> times_;  // by batch size
  std::map<std::string, std::vector<std::byte>> samples_;  // by input
};

}  // namespace daris::engine::sim
