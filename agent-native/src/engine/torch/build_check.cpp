#include "engine/torch/build_check.hpp"

#include "model/error.hpp"

namespace daris::engine::torch {
namespace {

std::string value_of(const Metadata& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? "" : found->second;
}

std::string_view without_local_part(std::string_view version) {
  return version.substr(0, version.find('+'));
}

std::string differs(std::string_view what, const std::string& is, std::string_view wanted) {
  return "is compiled for " + std::string(what) + " " + (is.empty() ? "(not told)" : model::printable(is)) +
         ", needed is '" + std::string(wanted) + "'; package the model anew with `daris-package torch`";
}

}  // namespace

std::string arch_word(int major, int minor) {
  return "sm_" + std::to_string(major) + std::to_string(minor);
}

std::optional<std::string> fault_of(const model::Build& build, const Target& target) {
  if (without_local_part(build.version) != target.torch) return differs("torch", build.version, target.torch);
  if (build.cuda != target.cuda) return differs("CUDA", build.cuda, target.cuda);
  return std::nullopt;
}

std::optional<std::string> fault_of(const Metadata& metadata, const Target& target, std::string_view stage,
                                    std::uint32_t batch) {
  const std::string device = value_of(metadata, "AOTI_DEVICE_KEY");
  if (device != "cuda") return differs("the device", device, "cuda");
  const std::string arch = value_of(metadata, "daris_arch");
  if (arch != target.arch) return differs("the architecture", arch, target.arch);
  const std::string torch = value_of(metadata, "daris_torch");
  if (without_local_part(torch) != target.torch) return differs("torch", torch, target.torch);
  const std::string cuda = value_of(metadata, "daris_cuda");
  if (cuda != target.cuda) return differs("CUDA", cuda, target.cuda);
  const std::string name = value_of(metadata, "daris_stage");
  if (name != stage) return differs("the stage", name, stage);
  const std::string size = value_of(metadata, "daris_batch");
  if (size != std::to_string(batch)) return differs("the batch size", size, std::to_string(batch));
  return std::nullopt;
}

}  // namespace daris::engine::torch
