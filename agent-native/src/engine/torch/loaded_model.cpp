#include "engine/torch/loaded_model.hpp"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <new>
#include <set>

#include "engine/refusals.hpp"
#include "engine/torch/artifact_file.hpp"
#include "engine/torch/device_memory.hpp"

namespace daris::engine::torch {
namespace {

using ::torch::inductor::AOTIModelPackageLoader;

constexpr const char* kModel = "model";  // the one model that a .pt2 of ours holds

const model::Artifact* find_artifact(const model::Manifest& manifest, std::string_view arch,
                                     const std::string& stage, std::uint32_t batch) {
  const auto found = std::ranges::find_if(manifest.artifacts, [&](const model::Artifact& artifact) {
    return artifact.engine == kEngine && artifact.arch == arch && artifact.stage == stage &&
           artifact.batch == batch;
  });
  return found == manifest.artifacts.end() ? nullptr : &*found;
}

[[noreturn]] void refuse_arch(const model::Manifest& manifest, std::string_view arch) {
  std::set<std::string> there;
  for (const model::Artifact& artifact : manifest.artifacts) {
    if (artifact.engine == kEngine) there.insert(artifact.arch);
  }
  if (there.empty()) refuse_engine(kEngine);
  std::string list;
  for (const std::string& each : there) list += (list.empty() ? "" : ", ") + model::printable(each);
  throw EngineError("WrongBuild", "model.json lists no artifacts of engine 'torch' for '" +
                                      std::string(arch) + "'; there are some for " + list +
                                      "; package the model on a GPU of that kind");
}

std::unique_ptr<AOTIModelPackageLoader> load_stage(const model::Package& package,
                                                   const model::Artifact& artifact, const Target& target,
                                                   int device) {
  const ArtifactFile file(package.read(artifact.file));
  try {
    const Metadata metadata = AOTIModelPackageLoader::load_metadata_from_package(file.path(), kModel);
    if (const auto fault = fault_of(metadata, target, artifact.stage, artifact.batch)) {
      throw EngineError("WrongBuild", in_words(artifact) + " " + *fault);
    }
    constexpr bool kSingleThreaded = true;  // the other way cannot be captured
    constexpr std::size_t kRunners = 1;
    return std::make_unique<AOTIModelPackageLoader>(file.path(), kModel, kSingleThreaded, kRunners,
                                                    static_cast<c10::DeviceIndex>(device));
  } catch (const EngineError&) {
    throw;
  } catch (const std::exception& error) {
    refuse(artifact, "cannot be loaded: " + model::printable(error.what()));
  }
}

}  // namespace

TorchModel::TorchModel(const model::Package& package, const Target& target, const Memories& memories,
                       const std::stop_token& stop)
    : manifest_(package.manifest()),
      digest_(package.digest()),
      batches_(manifest_.batches(kEngine, target.arch)) {
  if (batches_.empty()) refuse_arch(manifest_, target.arch);
  build_ = *manifest_.build(kEngine, target.arch);  // the manifest's parser has seen to it that there is one
  if (const auto fault = fault_of(build_, target)) throw EngineError("WrongBuild", "the package " + *fault);
  for (const model::Sample& sample : manifest_.samples) samples_[sample.input] = package.read(sample.file);
  load_weights(package, target.arch, memories);
  for (const std::uint32_t batch : batches_) {
    check_not_stopped(stop);
    load_batch(package, target, memories.device, batch);
  }
}

void TorchModel::load_weights(const model::Package& package, const std::string& arch,
                              const Memories& memories) {
  std::uint64_t needed = 0;
  for (const model::Weights& each : manifest_.weights) {
    if (each.engine == kEngine && each.arch == arch) needed += each.file.bytes;
  }
  const std::string what = "the model's weights";
  if (const auto lack = lack_of_memory(what, needed, memories.gpu->left()))
    throw EngineError("OutOfMemory", *lack);
  for (const model::Stage& stage : manifest_.stages) {
    const auto found = std::ranges::find_if(manifest_.weights, [&](const model::Weights& each) {
      return each.engine == kEngine && each.arch == arch && each.stage == stage.name;
    });
    const auto content =
        found == manifest_.weights.end() ? std::vector<std::byte>() : package.read(found->file);
    try {
      weights_.push_back(std::make_unique<StageWeights>(memories.gpu, content, memories.device));
    } catch (const std::bad_alloc&) {
      throw EngineError("OutOfMemory", "the GPU has no room of " + std::to_string(content.size() >> 20) +
                                           " MiB in one piece left; remove a model");
    }
  }
}

std::uint64_t TorchModel::memory_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& each : weights_) bytes += each->bytes();
  return bytes;
}

void TorchModel::load_batch(const model::Package& package, const Target& target, int device,
                            std::uint32_t batch) {
  Stages& stages = by_size_[batch];
  for (const model::Stage& stage : manifest_.stages) {
    const model::Artifact& artifact = *find_artifact(manifest_, target.arch, stage.name, batch);
    stages.push_back(load_stage(package, artifact, target, device));
    try {
      weights_[stages.size() - 1]->bind(*stages.back());
    } catch (const std::invalid_argument& error) {
      refuse(artifact, std::string(error.what()) + "; package the model anew with `daris-package torch`");
    }
  }
}

const Stages& TorchModel::stages(std::uint32_t batch) const {
  const auto found = by_size_.find(batch);
  if (found == by_size_.end()) refuse_batch(batch, batches_);
  return found->second;
}

}  // namespace daris::engine::torch
