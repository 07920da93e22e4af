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
  for (std::uint32_t other = 1; other <= smallestFor(candidates); ++other) {
    if (!(paceOf(other, candidates) > paceOf(capacity, candidates))) continue;
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

std::uint32_t JoinedClass::smallestFor(std::size_t candidates) const {
  std::uint32_t capacity = 0;
  while (capacity + 1 < capacities() && jobs_[capacity] < candidates) ++capacity;
  return capacity;
}

Pace JoinedClass::paceOf(std::uint32_t capacity, std::size_t candidates) const {
  return {std::min<std::size_t>(candidates, jobs_[capacity]), windows_[capacity].totalAfetUs()};
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
  std::uint32_t best = 0;
  const std::uint32_t most = joined.smallestFor(candidates.size());
  for (std::uint32_t capacity = 1; capacity <= most; ++capacity) {
    const std::size_t members = std::min<std::size_t>(candidates.size(), joined.jobs(capacity));
    const DurationUs unitUs = joined.windows(capacity).totalUs();
    const bool suits =
        joined.paceOf(capacity, candidates.size()) > joined.paceOf(best, candidates.size()) &&  // (a)
        now + unitUs <= tightest[members - 1] &&                                                // (b)
        joined.longestStageUs(capacity) <= slackUs &&                                           // (c)
        joined.facts.bears(unitUs);                                                             // (d)
    if (suits) best = capacity;
  }
  return best;
}

}  // namespace daris::sched
