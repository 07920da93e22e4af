#include "device/sharing.hpp"

#include <algorithm>

namespace daris::device {

namespace {

/// 0 where some listed process does not tell what it holds.
std::uint64_t hiddenIn(const Census& census) {
  if (!census.usedBytes) return 0;
  std::uint64_t told = 0;
  for (const Process& process : census.processes) {
    if (process.memoryBytes.value_or(0) == 0) return 0;
    told += *process.memoryBytes;
  }
  const std::uint64_t hidden = *census.usedBytes > told ? *census.usedBytes - told : 0;
  return hidden >= kHiddenBytes ? hidden : 0;
}

/// Ours by itself or by an ancestor.
bool isOf(const std::set<std::uint32_t>& own, const Process& process) {
  return std::ranges::any_of(process.lineage, [&](std::uint32_t pid) { return own.contains(pid); });
}

}  // namespace

Sharing::Sharing(const Census& before) : hiddenBefore_(hiddenIn(before)) {
  for (const Process& process : before.processes) strangers_.insert(process.pid);
}

Foreign Sharing::judge(const Census& census, const std::set<std::uint32_t>& own) {
  forgetGone(census);
  sort(census, own);
  Foreign foreign;
  const bool tooMany = !named_ && claimed_.size() > own.size();
  for (const Process& process : census.processes) {
    if (strangers_.contains(process.pid) || (tooMany && !isOf(own, process)))
      foreign.processes.push_back(process);
  }
  // Where not even we are listed, the lists say nothing of who holds what.
  const std::uint64_t hidden = claimed_.empty() ? 0 : hiddenIn(census);
  foreign.hiddenBytes = std::min(hidden, hiddenBefore_);
  hiddenBefore_ = hidden;
  return foreign;
}

void Sharing::forgetGone(const Census& census) {
  const auto gone = [&](std::uint32_t pid) {
    return std::ranges::find(census.processes, pid, &Process::pid) == census.processes.end();
  };
  std::erase_if(strangers_, gone);
  std::erase_if(claimed_, gone);
}

void Sharing::sort(const Census& census, const std::set<std::uint32_t>& own) {
  std::set<std::uint32_t> newcomers;
  const auto isOwn = [&](const Process& process) { return isOf(own, process); };
  named_ = named_ || std::ranges::any_of(census.processes, isOwn);
  for (const Process& process : census.processes) {
    if (isOwn(process)) {
      strangers_.erase(process.pid);
      claimed_.insert(process.pid);
    } else if (named_) {
      claimed_.erase(process.pid);
      strangers_.insert(process.pid);
    } else if (!strangers_.contains(process.pid) && !claimed_.contains(process.pid)) {
      newcomers.insert(process.pid);
    }
  }
  (claimed_.size() < own.size() ? claimed_ : strangers_).merge(newcomers);
}

}  // namespace daris::device
