#include "device/words.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace daris::device {

namespace {

constexpr std::size_t kNamed = 3;
constexpr std::size_t kProgramBytes = 64;
constexpr std::array<std::pair<unsigned long long, const char*>, 6> kThrottling{{
    {0x04, "SoftwarePowerCap"},
    {0x08, "HardwareSlowdown"},
    {0x10, "SyncBoost"},
    {0x20, "SoftwareThermal"},
    {0x40, "HardwareThermal"},
    {0x80, "PowerBrake"},
}};

std::string gibWords(std::uint64_t bytes) {
  const std::uint64_t gib = (bytes + (std::uint64_t{1} << 29)) >> 30;
  return gib == 0 ? "less than 1 GiB" : "about " + std::to_string(gib) + " GiB";
}

std::string wordsOf(const Process& process) {
  std::string details = process.name;
  const auto add = [&](const std::string& detail) { details += (details.empty() ? "" : ", ") + detail; };
  if (process.mps) add("MPS client");
  if (process.memoryBytes) add(gibWords(*process.memoryBytes));
  return std::to_string(process.pid) + (details.empty() ? "" : " (" + details + ")");
}

std::string listOf(const std::vector<Process>& processes) {
  std::string words = processes.size() == 1 ? "process " : "processes ";
  for (std::size_t i = 0; i < std::min(processes.size(), kNamed); ++i)
    words += (i == 0 ? "" : ", ") + wordsOf(processes[i]);
  if (processes.size() > kNamed) words += " and " + std::to_string(processes.size() - kNamed) + " more";
  return words + (processes.size() == 1 ? " works" : " work") + " on this GPU too";
}

}  // namespace

std::vector<std::string> throttleWords(unsigned long long reasons) {
  std::vector<std::string> words;
  for (const auto& [bit, word] : kThrottling) {
    if ((reasons & bit) != 0) words.emplace_back(word);
  }
  return words;
}

std::string programWord(std::string_view command) {
  command = command.substr(0, command.find(' '));
  const auto slash = command.rfind('/');
  std::string word(slash == std::string_view::npos ? command : command.substr(slash + 1));
  std::erase_if(word, [](char c) { return c <= ' ' || c > '~'; });
  word.resize(std::min(word.size(), kProgramBytes));
  return word;
}

std::string sharingWords(const Foreign& foreign) {
  if (!foreign.any()) return "";
  std::string words = foreign.processes.empty() ? "" : listOf(foreign.processes);
  if (foreign.hiddenBytes > 0) {
    words += (words.empty() ? "" : ", and ") + std::string("processes that cannot be seen from here hold ") +
             gibWords(foreign.hiddenBytes);
    if (foreign.processes.empty()) words += " of this GPU";
  }
  return words + "; nothing new starts here until it is free, what runs goes on";
}

}  // namespace daris::device
