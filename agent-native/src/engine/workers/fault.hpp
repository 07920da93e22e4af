// Exceptions of engines, on their way from one process to another.
#pragma once

#include <exception>
#include <nlohmann/json.hpp>

namespace daris::engine::workers {

/// What is thrown, as a message. Any exception.
[[nodiscard]] nlohmann::json fault_of(const std::exception& error);

/// Throws it anew: EngineError, model::PackageError and std::invalid_argument as they were, all else as
/// std::runtime_error.
[[noreturn]] void throw_fault(const nlohmann::json& fault);

}  // namespace daris::engine::workers
