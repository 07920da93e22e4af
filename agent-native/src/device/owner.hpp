// From a number that the driver tells to the process that it stands for.
#pragma once

#include <cstdint>
#include <filesystem>

namespace daris::device {

/// Drivers tell the number of the thread that opened the GPU, in the PID namespace of who asks (older ones:
/// in the host's). The process of that thread where `proc` knows it, else the number itself.
[[nodiscard]] std::uint32_t ownerOf(std::uint32_t pid, const std::filesystem::path& proc = "/proc");

}  // namespace daris::device
