#include "device/owner.hpp"

#include <charconv>
#include <fstream>
#include <string>
#include <string_view>

namespace daris::device {

std::uint32_t ownerOf(std::uint32_t pid, const std::filesystem::path& proc) {
  static constexpr std::string_view kField = "Tgid:\t";
  std::ifstream status(proc / std::to_string(pid) / "status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(kField)) continue;
    std::uint32_t owner = 0;
    const auto [end, error] = std::from_chars(line.data() + kField.size(), line.data() + line.size(), owner);
    return error == std::errc{} && owner != 0 ? owner : pid;
  }
  return pid;
}

}  // namespace daris::device
