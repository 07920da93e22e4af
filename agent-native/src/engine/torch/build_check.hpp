// Whether compiled stages are for this GPU and this build of torch. Loading one is running its code, so this
// is asked of its metadata before anything of it is loaded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "model/manifest.hpp"

namespace daris::engine::torch {

/// What stages must be compiled for.
struct Target {
  std::string arch;   ///< such as "sm_90"
  std::string torch;  ///< such as "2.11.0", without what follows a '+'
  std::string cuda;   ///< such as "13.0"
};

/// As the .pt2 file tells them.
using Metadata = std::unordered_map<std::string, std::string>;

/// The arch word of a compute capability.
[[nodiscard]] std::string arch_word(int major, int minor);

/// What is wrong with what a package tells of its compiler, and what would work; nothing where its stages may
/// be opened.
[[nodiscard]] std::optional<std::string> fault_of(const model::Build& build, const Target& target);

/// What is wrong with a stage's metadata, and what would work; nothing where it may be loaded. `stage` and
/// `batch` are the manifest's.
[[nodiscard]] std::optional<std::string> fault_of(const Metadata& metadata, const Target& target,
                                                  std::string_view stage, std::uint32_t batch);

}  // namespace daris::engine::torch
