// Whose compiled code may run here: to load it is to run it, inside this process, beside everyone's data.
// Pure.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>

#include "engine/engine.hpp"
#include "runtime/desired_state.hpp"

namespace daris::runtime {

inline constexpr const char* kCodeNotAllowed = "CompiledCodeNotAllowed";

/// Why nothing that any of these namespaces names may be loaded, with namespace, policy and field; nothing
/// where it may, as on every engine that runs no compiled code.
[[nodiscard]] std::optional<std::string> codeRefusal(const engine::Device& device, const Policy& policy,
                                                     std::span<const std::string> namespaces);

/// The models that no listed namespace names, by digest, each with the reason in words. Equal digests are
/// equal bytes: what one listed namespace names may be loaded, whoever else does.
[[nodiscard]] std::map<std::string, std::string, std::less<>> refusedModels(const engine::Device& device,
                                                                            const DesiredState& desired);

}  // namespace daris::runtime
