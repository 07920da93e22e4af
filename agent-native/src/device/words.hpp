// Bits, processes and bytes in words. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "device/report.hpp"

namespace daris::device {

/// What keeps clocks down, of NVML's clocks event reasons; being idle and clocks that somebody has set are no
/// such thing.
[[nodiscard]] std::vector<std::string> throttleWords(unsigned long long reasons);

/// The last part of a command's path, without what cannot be printed, not longer than fits a message.
[[nodiscard]] std::string programWord(std::string_view command);

/// Who else works on a GPU, and what would help; empty: nobody. Coarse in bytes, so that it says the same for
/// long.
[[nodiscard]] std::string sharingWords(const Foreign& foreign);

}  // namespace daris::device
