#include "model/manifest.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace daris::model {
namespace {

// Batch sizes for which every stage has an artifact that `wanted` takes.
template <typename Wanted>
std::vector<std::uint32_t> complete_batches(const Manifest& manifest, const Wanted& wanted) {
  std::map<std::uint32_t, std::set<std::string_view>> stages;
  for (const Artifact& artifact : manifest.artifacts) {
    if (wanted(artifact)) stages[artifact.batch].insert(artifact.stage);
  }
  std::vector<std::uint32_t> sizes;
  for (const auto& [batch, found] : stages) {
    const bool all = std::ranges::all_of(
        manifest.stages, [&found = found](const Stage& stage) { return found.contains(stage.name); });
    if (all) sizes.push_back(batch);
  }
  return sizes;
}

}  // namespace

std::size_t size_of(Datatype datatype) {
  switch (datatype) {
    case Datatype::kInt64:
      return 8;
    case Datatype::kFp32:
    case Datatype::kInt32:
      return 4;
    case Datatype::kFp16:
      return 2;
    case Datatype::kInt8:
    case Datatype::kUint8:
    case Datatype::kBool:
      return 1;
  }
  return 0;
}

std::string_view to_word(Datatype datatype) {
  switch (datatype) {
    case Datatype::kFp32:
      return "FP32";
    case Datatype::kFp16:
      return "FP16";
    case Datatype::kInt64:
      return "INT64";
    case Datatype::kInt32:
      return "INT32";
    case Datatype::kInt8:
      return "INT8";
    case Datatype::kUint8:
      return "UINT8";
    case Datatype::kBool:
      return "BOOL";
  }
  return {};
}

std::size_t Tensor::element_bytes() const {
  std::size_t bytes = size_of(datatype);
  for (std::size_t i = 1; i < shape.size(); ++i) bytes *= static_cast<std::size_t>(shape[i]);
  return bytes;
}

const Tensor* Manifest::tensor(std::string_view wanted) const {
  for (const auto* list : {&inputs, &outputs, &tensors}) {
    const auto found = std::ranges::find(*list, wanted, &Tensor::name);
    if (found != list->end()) return &*found;
  }
  return nullptr;
}

const Artifact* Manifest::artifact(std::string_view engine, std::string_view stage,
                                   std::uint32_t batch) const {
  const auto found = std::ranges::find_if(artifacts, [&](const Artifact& each) {
    return each.engine == engine && each.stage == stage && each.batch == batch;
  });
  return found == artifacts.end() ? nullptr : &*found;
}

std::vector<std::uint32_t> Manifest::batches(std::string_view engine) const {
  return complete_batches(*this, [&](const Artifact& artifact) { return artifact.engine == engine; });
}

std::vector<std::uint32_t> Manifest::batches(std::string_view engine, std::string_view arch) const {
  return complete_batches(
      *this, [&](const Artifact& artifact) { return artifact.engine == engine && artifact.arch == arch; });
}

std::vector<const File*> Manifest::files() const {
  std::vector<const File*> named;
  for (const Sample& sample : samples) named.push_back(&sample.file);
  for (const Artifact& artifact : artifacts) named.push_back(&artifact.file);
  for (const Weights& each : weights) named.push_back(&each.file);
  return named;
}

const Build* Manifest::build(std::string_view engine, std::string_view arch) const {
  const auto found = std::ranges::find_if(
      builds, [&](const Build& build) { return build.engine == engine && build.arch == arch; });
  return found == builds.end() ? nullptr : &*found;
}

}  // namespace daris::model
