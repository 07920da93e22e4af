#include "engine/torch/loaded_model.hpp"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <set>

#include "engine/refusals.hpp"
#include "engine/torch/artifact_file.hpp"
#include "engine/torch/device_memory.hpp"
#include "engine/torch/driver.hpp"

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

TorchModel::TorchModel(const model::Package& package, const Target& target, int device,
                       const std::stop_token& stop)
    : manifest_(package.manifest()),
      digest_(package.digest()),
      batches_(manifest_.batches(kEngine, target.arch)) {
  if (batches_.empty()) refuse_arch(manifest_, target.arch);
  build_ = *manifest_.build(kEngine, target.arch);  // the manifest's parser has seen to it that there is one
  if (const auto fault = fault_of(build_, target)) throw EngineError("WrongBuild", "the package " + *fault);
  for (const model::Sample& sample : manifest_.samples) samples_[sample.input] = package.read(sample.file);
  const std::uint64_t before = free_bytes();
  for (const std::uint32_t batch : batches_) {
    check_not_stopped(stop);
    load_batch(package, target, device, batch);
  }
  const std::uint64_t after = free_bytes();
  memory_bytes_ = before > after ? before - after : 0;
}

void TorchModel::load_batch(const model::Package& package, const Target& target, int device,
                            std::uint32_t batch) {
  Stages& stages = by_size_[batch];
  for (const model::Stage& stage : manifest_.stages) {
    const model::Artifact& artifact = *find_artifact(manifest_, target.arch, stage.name, batch);
    // The weights are most of a .pt2, so its size is about what it takes on the GPU.
    if (const auto lack = lack_of_memory(in_words(artifact), artifact.file.bytes, free_bytes())) {
      throw EngineError("OutOfMemory", *lack);
    }
    stages.push_back(load_stage(package, artifact, target, device));
  }
}

const Stages& TorchModel::stages(std::uint32_t batch) const {
  const auto found = by_size_.find(batch);
  if (found == by_size_.end()) refuse_batch(batch, batches_);
  return found->second;
}

}  // namespace daris::engine::torch
