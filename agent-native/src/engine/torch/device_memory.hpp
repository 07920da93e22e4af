// Whether something fits into what is left of the memory taken on the GPU.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace daris::engine::torch {

/// Null where `needed` bytes fit into the `left` ones; else what is missing, in words. `what` begins the
/// sentence.
[[nodiscard]] std::optional<std::string> lack_of_memory(std::string_view what, std::uint64_t needed,
                                                        std::uint64_t left);

}  // namespace daris::engine::torch
