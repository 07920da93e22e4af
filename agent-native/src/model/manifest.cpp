#include "model/manifest.hpp"

#include <algorithm>
#include <set>

namespace daris::model {
namespace {

bool has_all_stages(const Manifest& manifest, std::string_view engine, std::uint32_t batch) {
  return std::ranges::all_of(manifest.stages, [&](const Stage& stage) {
    return std::ranges::any_of(manifest.artifacts, [&](const Artifact& artifact) {
      return artifact.engine == engine && artifact.batch == batch && artifact.stage == stage.name;
    });
  });
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
  std::set<std::uint32_t> sizes;
  for (const Artifact& artifact : artifacts) {
    if (artifact.engine == engine && has_all_stages(*this, engine, artifact.batch))
      sizes.insert(artifact.batch);
  }
  return {sizes.begin(), sizes.end()};
}

}  // namespace daris::model
