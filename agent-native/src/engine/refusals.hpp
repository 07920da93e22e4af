// Refusals that every engine says in the same words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.hpp"

namespace daris::engine {

/// Throws EngineError NoArtifacts: the package has nothing for this engine.
[[noreturn]] void refuse_engine(std::string_view engine);

/// Throws EngineError UnknownBatch, naming the batch sizes that there are.
[[noreturn]] void refuse_batch(std::uint32_t size, const std::vector<std::uint32_t>& sizes);

/// The file, its stage and batch size.
[[nodiscard]] std::string in_words(const model::Artifact& artifact);

/// Throws EngineError InvalidArtifact: the artifact in words, and `what`.
[[noreturn]] void refuse(const model::Artifact& artifact, std::string_view what);

/// Throws EngineError Cancelled where the stop token was raised.
void check_not_stopped(const std::stop_token& stop);

}  // namespace daris::engine
