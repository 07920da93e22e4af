#include "device/lineage.hpp"

#include <charconv>
#include <fstream>
#include <string>
#include <string_view>

namespace daris::device {

namespace {

constexpr std::size_t kGenerations = 16;

struct Kin {
  std::uint32_t process = 0;
  std::uint32_t parent = 0;
};

std::uint32_t numberIn(std::string_view text) {
  std::uint32_t number = 0;
  static_cast<void>(std::from_chars(text.data(), text.data() + text.size(), number));
  return number;
}

/// Zeros where it cannot be read.
Kin kinOf(std::uint32_t pid, const std::filesystem::path& proc) {
  static constexpr std::string_view kProcess = "Tgid:\t";
  static constexpr std::string_view kParent = "PPid:\t";
  Kin kin;
  std::ifstream status(proc / std::to_string(pid) / "status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(kProcess)) kin.process = numberIn(line.substr(kProcess.size()));
    if (line.starts_with(kParent)) kin.parent = numberIn(line.substr(kParent.size()));
  }
  return kin;
}

}  // namespace

std::vector<std::uint32_t> lineageOf(std::uint32_t pid, const std::filesystem::path& proc) {
  Kin kin = kinOf(pid, proc);
  std::vector<std::uint32_t> lineage{kin.process == 0 ? pid : kin.process};
  while (kin.process != 0 && kin.parent != 0 && lineage.size() < kGenerations) {
    lineage.push_back(kin.parent);
    kin = kinOf(kin.parent, proc);
  }
  return lineage;
}

}  // namespace daris::device
