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
  chosen_ = capacities() - 1;
  while (chosen_ > 0 && !qualifies(chosen_)) --chosen_;
}

bool JoinedClass::noteFormed(std::uint32_t capacity, std::size_t candidates, std::uint32_t mretWindow) {
  Trial& formed = trials_[capacity];
  formed.passed = 0;
  if (++formed.formed >= mretWindow) formed.patience = mretWindow;
  bool aged = false;
  for (std::uint32_t larger = capacity + 1; larger < capacities(); ++larger) {
    if (!fill(candidates, jobs_[larger])) continue;
    Trial& passed = trials_[larger];
    passed.formed = 0;
    if (++passed.passed < std::max(passed.patience, mretWindow)) continue;
    passed.passed = 0;
    passed.patience = std::min(2 * std::max(passed.patience, mretWindow), kMostPatience);
    windows_[larger].age();
    aged = true;
  }
  return aged;
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
  const auto suits = [&](std::uint32_t capacity) {
    const std::size_t jobs = joined.jobs(capacity);
    const std::size_t members = std::min(candidates.size(), jobs);
    const DurationUs unitUs = joined.windows(capacity).totalUs();
    return fill(candidates.size(), jobs) &&               // (a)
           now + unitUs <= tightest[members - 1] &&       // (b)
           joined.longestStageUs(capacity) <= slackUs &&  // (c)
           joined.facts.bears(unitUs);                    // (d)
  };
  std::uint32_t capacity = joined.capacities() - 1;
  while (capacity > 0 && !suits(capacity)) --capacity;
  return capacity;
}

}  // namespace daris::sched
