#include "model/joins.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "model/error.hpp"

namespace daris::model {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw PackageError("InvalidPackage", "model.json: " + what);
}

void check_unique(std::set<std::string>& seen, const std::string& name, const std::string& kind) {
  if (!seen.insert(name).second)
    refuse(kind + " " + printable(name) + " occurs twice; give each its own name");
}

void check_names(const Manifest& manifest) {
  std::set<std::string> tensors;
  for (const auto* list : {&manifest.inputs, &manifest.outputs, &manifest.tensors}) {
    for (const Tensor& tensor : *list) check_unique(tensors, tensor.name, "tensor");
  }
  std::set<std::string> stages;
  for (const Stage& stage : manifest.stages) check_unique(stages, stage.name, "stage");
}

// Walks the stages in order; `written` maps a tensor to the stage that wrote it.
class TensorFlow {
 public:
  explicit TensorFlow(const Manifest& manifest) : manifest_(manifest) {
    for (const Tensor& input : manifest.inputs) inputs_.insert(input.name);
  }

  void run(const Stage& stage) {
    std::set<std::string> read;
    for (const std::string& name : stage.inputs) {
      check_unique(read, name, "stage " + printable(stage.name) + ": input");
      check_read(stage, name);
    }
    for (const std::string& name : stage.outputs) check_write(stage, name);
  }

  void check_all_written(const std::vector<Tensor>& tensors, const std::string& kind) const {
    for (const Tensor& tensor : tensors) {
      if (!written_.contains(tensor.name)) {
        refuse(kind + " " + printable(tensor.name) + " is written by no stage; name it in a stage's outputs");
      }
    }
  }

 private:
  void check_read(const Stage& stage, const std::string& name) const {
    if (inputs_.contains(name) || written_.contains(name)) return;
    refuse("stage " + printable(stage.name) + " reads " + printable(name) +
           ", which is no model input and which no earlier stage writes");
  }

  void check_write(const Stage& stage, const std::string& name) {
    const std::string who = "stage " + printable(stage.name) + " writes " + printable(name);
    if (inputs_.contains(name)) refuse(who + ", which is a model input");
    if (manifest_.tensor(name) == nullptr) refuse(who + ", which is neither in 'outputs' nor in 'tensors'");
    const auto [entry, is_new] = written_.emplace(name, stage.name);
    if (!is_new) refuse(who + ", which stage " + printable(entry->second) + " writes already");
  }

  const Manifest& manifest_;
  std::set<std::string> inputs_;
  std::map<std::string, std::string> written_;
};

void check_stages(const Manifest& manifest) {
  TensorFlow flow(manifest);
  for (const Stage& stage : manifest.stages) flow.run(stage);
  flow.check_all_written(manifest.outputs, "output");
  flow.check_all_written(manifest.tensors, "tensor");
}

void check_samples(const Manifest& manifest) {
  std::set<std::string> inputs;
  for (const Sample& sample : manifest.samples) {
    const auto input = std::ranges::find(manifest.inputs, sample.input, &Tensor::name);
    if (input == manifest.inputs.end())
      refuse("a sample is for " + printable(sample.input) + ", which is no model input");
    check_unique(inputs, sample.input, "sample for");
    if (sample.file.bytes != input->element_bytes()) {
      refuse("sample " + printable(sample.file.path) + " has " + std::to_string(sample.file.bytes) +
             " bytes; one batch element of " + printable(input->name) + " has " +
             std::to_string(input->element_bytes()));
    }
  }
}

void check_artifacts(const Manifest& manifest) {
  using Target = std::tuple<std::string, std::string, std::uint32_t>;
  std::map<Target, std::set<std::string>> targets;
  for (const Artifact& artifact : manifest.artifacts) {
    if (std::ranges::find(manifest.stages, artifact.stage, &Stage::name) == manifest.stages.end()) {
      refuse("artifact " + printable(artifact.file.path) + " is for stage " + printable(artifact.stage) +
             ", which does not exist");
    }
    check_unique(targets[{artifact.engine, artifact.arch, artifact.batch}], artifact.stage,
                 "artifact (engine " + printable(artifact.engine) + ", batch " +
                     std::to_string(artifact.batch) + ") of stage");
  }
  for (const auto& [target, stages] : targets) {
    for (const Stage& stage : manifest.stages) {
      if (stages.contains(stage.name)) continue;
      refuse("stage " + printable(stage.name) + " has no artifact for engine " +
             printable(std::get<0>(target)) + ", arch " + printable(std::get<1>(target)) + ", batch " +
             std::to_string(std::get<2>(target)));
    }
  }
}

// Compiled code is refused by its build alone, so an engine that loads such code needs one.
void check_builds(const Manifest& manifest) {
  std::set<std::string> builds;
  for (const Build& build : manifest.builds) {
    const std::string target = "engine " + printable(build.engine) + ", arch " + printable(build.arch);
    if (!builds.insert(target).second) refuse("the build for " + target + " occurs twice");
    if (manifest.batches(build.engine, build.arch).empty())
      refuse("the build for " + target + " has no artifacts");
  }
  for (const Artifact& artifact : manifest.artifacts) {
    if (artifact.engine == "torch" && manifest.build(artifact.engine, artifact.arch) == nullptr) {
      refuse("artifact " + printable(artifact.file.path) +
             " of engine 'torch' has no entry in 'builds' for arch " + printable(artifact.arch));
    }
  }
}

void check_weights(const Manifest& manifest) {
  std::set<std::tuple<std::string, std::string, std::string>> seen;
  for (const Artifact& artifact : manifest.artifacts)
    seen.emplace(artifact.engine, artifact.stage, artifact.arch);
  for (const Weights& each : manifest.weights) {
    if (seen.erase({each.engine, each.stage, each.arch}) == 1) continue;
    refuse("weights " + printable(each.file.path) + " are for stage " + printable(each.stage) +
           " with engine " + printable(each.engine) + ", arch " + printable(each.arch) +
           ", which has no artifacts, or has weights already");
  }
}

void check_files(const Manifest& manifest) {
  std::map<std::string, const File*> files;
  std::uint64_t bytes = 0;
  const auto check = [&](const File& file) {
    const auto [entry, is_new] = files.emplace(file.path, &file);
    if (is_new) bytes += file.bytes;
    if (entry->second->sha256 != file.sha256 || entry->second->bytes != file.bytes) {
      refuse("file " + printable(file.path) + " is named twice with different sizes or digests");
    }
  };
  for (const File* file : manifest.files()) check(*file);
  if (files.size() > kMaxFiles || bytes > kMaxPackageBytes) {
    throw PackageError("TooLarge", "model.json names " + std::to_string(files.size()) + " files of " +
                                       std::to_string(bytes) + " bytes in all; at most " +
                                       std::to_string(kMaxFiles) + " files of " +
                                       std::to_string(kMaxPackageBytes) + " bytes in all are accepted");
  }
}

}  // namespace

void check_joins(const Manifest& manifest) {
  check_names(manifest);
  check_stages(manifest);
  check_samples(manifest);
  check_artifacts(manifest);
  check_builds(manifest);
  check_weights(manifest);
  check_files(manifest);
}

}  // namespace daris::model
