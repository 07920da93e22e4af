// Packages by their folder, each loaded once for a whole plan, and the inputs that tasks bring.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "engine/engine.hpp"

namespace daris::bench {

/// Opened and verified as the runtime does; the digest is the folder's own.
[[nodiscard]] model::Package open_folder(const std::filesystem::path& folder);

class Models {
 public:
  /// `own_inputs`: each task brings an input of its own; else one serves all, where an engine reads none.
  explicit Models(engine::Engine& engine, bool own_inputs = true) : engine_(engine), own_(own_inputs) {}

  /// Throws what opening and loading throw.
  [[nodiscard]] const std::shared_ptr<const engine::LoadedModel>& of(const std::filesystem::path& folder);

  /// Memory for the jobs of so many tasks of a model, with other values in the inputs of each; the same in
  /// every call. Throws EngineError OutOfMemory.
  [[nodiscard]] std::vector<std::shared_ptr<engine::JobMemory>> inputs(const engine::LoadedModel& model,
                                                                       std::uint32_t batch,
                                                                       std::size_t tasks);

 private:
  using Inputs = std::vector<std::shared_ptr<engine::JobMemory>>;

  engine::Engine& engine_;
  bool own_;
  std::map<std::filesystem::path, std::shared_ptr<const engine::LoadedModel>> loaded_;
  std::map<std::pair<const engine::LoadedModel*, std::uint32_t>, Inputs> inputs_;
};

/// Values that any network takes, others for each seed: halves from 0.125 to 0.5.
void fill_input(std::span<std::byte> input, std::uint32_t seed);

}  // namespace daris::bench
