// From a number that the driver tells to the process that it stands for, and whose child that is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace daris::device {

/// Drivers tell the number of the thread that opened the GPU, in the PID namespace of who asks (older ones:
/// in the host's). The process of that thread, its parent and so on, as far as `proc` knows them; the number
/// itself where it does not.
[[nodiscard]] std::vector<std::uint32_t> lineageOf(std::uint32_t pid,
                                                   const std::filesystem::path& proc = "/proc");

}  // namespace daris::device
