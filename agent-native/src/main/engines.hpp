// The engines that this program has, by the word that chooses one.
#pragma once

#include <memory>

#include "engine/engine.hpp"
#include "runtime/flags.hpp"

namespace daris::main {

/// Engine `auto` is torch where it and a GPU can be had, which is logged if not, and openvino else. Throws
/// FlagError where the flags ask for what this machine cannot give: no restart would cure that.
[[nodiscard]] std::unique_ptr<engine::Engine> makeEngine(const runtime::Flags& flags);

}  // namespace daris::main
