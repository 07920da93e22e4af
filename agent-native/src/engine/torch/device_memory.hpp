// Whether something fits into what is left of the GPU's memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace daris::engine::torch {

/// Kept free for what a stage that runs may still take: the driver's own buffers, a library's workspace.
inline constexpr std::uint64_t kReserveBytes = std::uint64_t{512} << 20;

/// Null where `needed` bytes fit beside the reserve; else what is missing, in words. `what` begins the
/// sentence.
[[nodiscard]] std::optional<std::string> lack_of_memory(std::string_view what, std::uint64_t needed,
                                                        std::uint64_t free);

}  // namespace daris::engine::torch
