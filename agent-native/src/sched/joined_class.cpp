#include "sched/joined_class.hpp"

#include <algorithm>
#include <array>

namespace daris::sched {

namespace {

constexpr std::uint32_t kMostPatience = 1 << 16;

}  // namespace

void JoinedClass::reset(std::span<const Capacity> capacities, std::uint32_t mretWindow) {
  jobs_.clear();
  windows_.assign(capacities.size(), {});
  trials_.assign(capacities.size(), {});
  chosen_ = 0;
  facts = {};
  for (std::size_t i = 0; i < capacities.size(); ++i) {
    jobs_.push_back(capacities[i].jobs);
    windows_[i].reset(capacities[i].afetUs, mretWindow);
  }
}

DurationUs JoinedClass::longestStageUs(std::uint32_t capacity) const {
  const MretWindows& windows = windows_[capacity];
  DurationUs longest = 0;
  for (std::uint32_t stage = 0; stage < windows.stageCount(); ++stage)
    longest = std::max(longest, windows.mretUs(stage));
  return longest;
}

void JoinedClass::choose(std::uint32_t contexts, DurationUs slackUs) {
  const auto qualifies = [&](std::uint32_t capacity) {
    return std::uint64_t{jobs_[capacity]} * contexts <= facts.tasks &&
           facts.bears(windows_[capacity].totalUs()) && longestStageUs(capacity) <= slackUs;
  };
  chosen_ = preferred(mostJobs(), qualifies);
}

void JoinedClass::resize(std::uint32_t mretWindow) {
  for (MretWindows& windows : windows_) windows.resize(mretWindow);
}

void JoinedClass::record(std::uint32_t capacity, std::uint32_t stage, DurationUs execUs) {
  windows_[capacity].record(stage, execUs);
  if (capacity == chosen_) ++measurements_;
}

bool JoinedClass::noteFormed(std::uint32_t capacity, std::size_t candidates, std::uint32_t mretWindow) {
  Trial& formed = trials_[capacity];
  formed.passed = 0;
  if (++formed.formed >= mretWindow) formed.patience = mretWindow;
  bool aged = false;
  for (std::uint32_t other = 1; isNeeded(other, candidates); ++other) {
    if (other == capacity || !prefers(other, capacity, candidates)) continue;
    Trial& passed = trials_[other];
    passed.formed = 0;
    if (++passed.passed < std::max(passed.patience, mretWindow)) continue;
    passed.passed = 0;
    passed.patience = std::min(2 * std::max(passed.patience, mretWindow), kMostPatience);
    windows_[other].age();
    aged = true;
  }
  return aged;
}

Pace JoinedClass::paceOf(std::uint32_t capacity, std::size_t jobs) const {
  return {std::min<std::size_t>(jobs, jobs_[capacity]), windows_[capacity].totalAfetUs()};
}

/// One of the two, the other being allowed.
bool JoinedClass::prefers(std::uint32_t capacity, std::uint32_t other, std::size_t jobs) const {
  const Pace pace = paceOf(capacity, jobs);
  const Pace others = paceOf(other, jobs);
  return capacity < other ? pace.isNearly(others) : !others.isNearly(pace);
}

std::uint32_t capacityFor(const JoinedClass& joined, std::span<const Candidate> candidates,
                          DurationUs slackUs, TimeUs now) {
  // The earliest deadline, among the first i + 1, of those that could still be met alone.
  std::array<TimeUs, kMaxUnitJobs> tightest;
  const TimeUs aloneUs = now + joined.windows(0).totalUs();
  TimeUs earliest = kNoBound;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const TimeUs deadlineUs = candidates[i].deadlineUs;
    if (aloneUs <= deadlineUs) earliest = std::min(earliest, deadlineUs);
    tightest[i] = earliest;
  }
  const auto allowed = [&](std::uint32_t capacity) {
    const std::size_t members = std::min<std::size_t>(candidates.size(), joined.jobs(capacity));
    const DurationUs unitUs = joined.windows(capacity).totalUs();
    return now + unitUs <= tightest[members - 1] &&       // (b)
           joined.longestStageUs(capacity) <= slackUs &&  // (c)
           joined.facts.bears(unitUs);                    // (d)
  };
  return joined.preferred(candidates.size(), allowed);  // (a)
}

}  // namespace daris::sched
