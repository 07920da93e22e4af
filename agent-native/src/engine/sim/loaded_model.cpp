#include "engine/sim/loaded_model.hpp"

#include "engine/refusals.hpp"

namespace daris::engine::sim {

SimModel::SimModel(const model::Package& package, const std::stop_token& stop)
    : manifest_(package.manifest()), digest_(package.digest()), batches_(manifest_.batches(kEngine)) {
  if (batches_.empty()) refuse_engine(kEngine);
  for (const std::uint32_t batch : batches_) {
    for (const model::Stage& stage : manifest_.stages) {
      check_not_stopped(stop);
      const model::Artifact& artifact = *manifest_.artifact(kEngine, stage.name, batch);
      times_[batch].push_back(read_stage_time(artifact, package.read(artifact.file)));
      memory_bytes_ += artifact.file.bytes;
    }
  }
  for (const model::Sample& sample : manifest_.samples) samples_[sample.input] = package.read(sample.file);
}

const std::vector<StageTime>& SimModel::times(std::uint32_t batch) const {
  const auto found = times_.find(batch);
  if (found == times_.end()) refuse_batch(batch, batches_);
  return found->second;
}

const std::vector<std::byte>* SimModel::sample(const std::string& input) const {
  const auto found = samples_.find(input);
  return found == samples_.end() ? nullptr : &found->second;
}

}  // namespace daris::engine::sim
