// A class whose jobs may go together: what its stages take at each capacity, and the capacity that admission
// counts with (docs/joining.md).
#pragma once

#include <span>
#include <vector>

#include "sched/context.hpp"
#include "sched/mret_window.hpp"
#include "sched/types.hpp"

namespace daris::sched {

/// What is known of the tasks of a class, as of the last change of any.
struct ClassFacts {
  std::uint32_t gpu = 0;
  std::uint32_t tasks = 0;
  DurationUs deadlineUs = kNoBound;  // the smallest
  DurationUs blockingUs = 0;         // the longest stage, by AFET, of other classes on the GPU

  /// Whether a job can find a unit that takes so long before it, and go in another such.
  [[nodiscard]] bool bears(DurationUs unitUs) const {
    return blockingUs + 2 * static_cast<Wide>(unitUs) <= deadlineUs;
  }
};

/// So many jobs in so long, on one stream.
struct Pace {
  std::uint64_t jobs = 0;
  DurationUs unitUs = 1;

  [[nodiscard]] bool operator>(const Pace& other) const {
    return static_cast<Wide>(jobs) * other.unitUs > static_cast<Wide>(other.jobs) * unitUs;
  }
  /// At least 19/20 of the other.
  [[nodiscard]] bool isNearly(const Pace& other) const {
    return 20 * static_cast<Wide>(jobs) * other.unitUs >= 19 * static_cast<Wide>(other.jobs) * unitUs;
  }
};

class JoinedClass {
 public:
  ClassFacts facts;

  /// Forgets everything; `capacities` ascend from 1, or are empty for a class that is never joined.
  void reset(std::span<const Capacity> capacities, std::uint32_t mretWindow);

  /// Whether its jobs can ever go together.
  [[nodiscard]] bool joins() const { return jobs_.size() > 1; }

  [[nodiscard]] std::uint32_t capacities() const { return static_cast<std::uint32_t>(jobs_.size()); }
  [[nodiscard]] std::uint32_t jobs(std::uint32_t capacity) const { return jobs_[capacity]; }
  [[nodiscard]] std::uint32_t mostJobs() const { return jobs_.back(); }
  [[nodiscard]] const MretWindows& windows(std::uint32_t capacity) const { return windows_[capacity]; }
  [[nodiscard]] DurationUs longestStageUs(std::uint32_t capacity) const;

  /// Finds n*: `contexts` of its GPU, `slackUs` the least of what their high-priority tasks bear.
  void choose(std::uint32_t contexts, DurationUs slackUs);

  /// Of the capacities that `allowed(capacity)` holds for, and the first, the smallest at which nearly as
  /// many of so many jobs go in a time as at the best, by AFETs; none larger than these jobs need.
  [[nodiscard]] std::uint32_t preferred(std::size_t jobs, const auto& allowed) const {
    std::uint32_t best = 0;
    std::uint32_t known = 1;
    for (std::uint32_t capacity = 1; isNeeded(capacity, jobs); ++capacity) {
      if (!allowed(capacity)) continue;
      known |= 1U << capacity;
      if (paceOf(capacity, jobs) > paceOf(best, jobs)) best = capacity;
    }
    std::uint32_t smallest = 0;
    while ((known >> smallest & 1) == 0 || !paceOf(smallest, jobs).isNearly(paceOf(best, jobs))) ++smallest;
    return smallest;
  }

  /// A new ws; the newest measurements are kept.
  void resize(std::uint32_t mretWindow);

  /// A stage of a unit of this capacity was measured.
  void record(std::uint32_t capacity, std::uint32_t stage, DurationUs execUs);

  /// The oldest measurements of n* are dropped.
  void age() { windows_[chosen_].age(); }

  /// How many stages of units of n* were measured.
  [[nodiscard]] std::uint64_t measurements() const { return measurements_; }

  /// A unit of this capacity was formed of so many candidates. Those that would have been preferred to it are
  /// counted as passed over, and lose their oldest measurement after a while: one slow unit does
  /// not close a capacity for ever, and one that is slow indeed is tried ever more seldom. Whether any did.
  bool noteFormed(std::uint32_t capacity, std::size_t candidates, std::uint32_t mretWindow);

  /// n*, by index and in jobs.
  [[nodiscard]] std::uint32_t chosen() const { return chosen_; }
  [[nodiscard]] std::uint32_t chosenJobs() const { return jobs_[chosen_]; }
  [[nodiscard]] const MretWindows& estimate() const { return windows_[chosen_]; }

  /// What one job adds to the queue: ceil(M(n*) / n*).
  [[nodiscard]] DurationUs shareUs() const {
    return (estimate().totalUs() + chosenJobs() - 1) / chosenJobs();
  }

  /// u_i = ceil(M(n*) * 1e9 / (n* * min(D, T))).
  [[nodiscard]] Utilization utilization(DurationUs windowUs) const {
    const Wide divisor = static_cast<Wide>(windowUs) * chosenJobs();
    return {(static_cast<Wide>(estimate().totalUs()) * kBillion + divisor - 1) / divisor};
  }

 private:
  /// Whether there is such a capacity, and the one below it does not hold so many.
  [[nodiscard]] bool isNeeded(std::uint32_t capacity, std::size_t jobs) const {
    return capacity < capacities() && jobs_[capacity - 1] < jobs;
  }
  [[nodiscard]] Pace paceOf(std::uint32_t capacity, std::size_t jobs) const;
  [[nodiscard]] bool prefers(std::uint32_t capacity, std::uint32_t other, std::size_t jobs) const;

  /// How a capacity fares under MRET aging.
  struct Trial {
    std::uint32_t formed = 0;    // in a row
    std::uint32_t passed = 0;    // passed over in a row
    std::uint32_t patience = 0;  // so often before it loses a measurement
  };

  std::vector<std::uint32_t> jobs_;
  std::vector<MretWindows> windows_;
  std::vector<Trial> trials_;
  std::uint32_t chosen_ = 0;
  std::uint64_t measurements_ = 0;
};

/// A job that has not started.
struct Candidate {
  std::uint32_t unit = kNoUnit;
  TimeUs deadlineUs = 0;  // absolute
};

/// The capacity, by index, that the first of these candidates form a unit of. `slackUs`: what the context's
/// high-priority tasks bear.
[[nodiscard]] std::uint32_t capacityFor(const JoinedClass& joined, std::span<const Candidate> candidates,
                                        DurationUs slackUs, TimeUs now);

}  // namespace daris::sched
