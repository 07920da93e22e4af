// Packages by their folder, each loaded once for a whole plan.
#pragma once

#include <filesystem>
#include <map>
#include <memory>

#include "engine/engine.hpp"

namespace daris::bench {

/// Opened and verified as the runtime does; the digest is the folder's own.
[[nodiscard]] model::Package open_folder(const std::filesystem::path& folder);

class Models {
 public:
  explicit Models(engine::Engine& engine) : engine_(engine) {}

  /// Throws what opening and loading throw.
  [[nodiscard]] const std::shared_ptr<const engine::LoadedModel>& of(const std::filesystem::path& folder);

 private:
  engine::Engine& engine_;
  std::map<std::filesystem::path, std::shared_ptr<const engine::LoadedModel>> loaded_;
};

}  // namespace daris::bench
