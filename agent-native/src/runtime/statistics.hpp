// Counters, response times and misses of one task over all its epochs in this process.
// Counted from what the scheduler answers, so that they go on when a task gets another model or context.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/time.hpp"
#include "runtime/desired_state.hpp"
#include "runtime/histogram.hpp"
#include "sched/outcomes.hpp"

namespace daris::runtime {

struct Miss {
  std::int64_t wallUs = 0;  // when the job ended
  DurationUs lateUs = 0;
  sched::MissCause cause = sched::MissCause::None;
  std::shared_ptr<const std::string> behind;  // namespace/name of the task it waited behind; may be null
};

/// The last few misses.
class RecentMisses {
 public:
  static constexpr std::size_t kMost = 10;

  RecentMisses() = default;
  RecentMisses(const RecentMisses&) = default;
  /// Copies those alone that there are.
  RecentMisses& operator=(const RecentMisses& other);

  void add(Miss miss);
  [[nodiscard]] std::size_t size() const { return size_; }
  /// The i-th newest, i < size().
  [[nodiscard]] const Miss& operator[](std::size_t i) const;

 private:
  std::size_t next_ = 0;
  std::size_t size_ = 0;
  std::array<Miss, kMost> ring_{};  // the oldest is where the next goes, once all are there
};

struct MigrationRecord {
  std::uint64_t count = 0;
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::int64_t wallUs = 0;
};

/// Touched by the dispatcher alone; copied out with each published snapshot. Allocates nothing. What each job
/// changes stands first, close together.
class TaskStatistics {
 public:
  TaskStatistics() = default;
  TaskStatistics(const JobCounters& carried, std::uint64_t carriedMigrations);

  /// A release or request that the scheduler has answered.
  void released(const sched::ReleaseOutcome& outcome, std::int64_t wallUs);
  /// What became of a request that was waiting; its release was counted when it came.
  void waitingReleased(const sched::ReleaseOutcome& outcome, std::int64_t wallUs);
  /// A request that was waiting and will not be released.
  void withdrawn() { ++jobs_.withdrawn; }
  /// Grid points that passed without a release because the process was stalled, or the task was away.
  void omitted(std::uint64_t count);
  /// The deadline of the active job has passed: its miss counts now, its end does not count it again.
  void overdue();
  void ended(const sched::JobEnd& end, bool missCounted, std::int64_t wallUs,
             std::shared_ptr<const std::string> behind);
  /// A job was started, with so many in its unit.
  void started(std::size_t unitJobs) {
    ++startedJobs_;
    unitJobs_ += unitJobs;
  }
  /// A job has ended whose stages took so long, or whose share of its unit's it was.
  void executed(DurationUs us) { executionUs_ += static_cast<std::uint64_t>(us); }

  /// The task goes away for a while, and this is the first release that may not be made.
  void leaves(TimeUs dueUs) { awaySinceUs_ = dueUs; }
  /// The task is back; the first release that it may have missed, if it was away.
  [[nodiscard]] std::optional<TimeUs> returns() { return std::exchange(awaySinceUs_, std::nullopt); }

  [[nodiscard]] const JobCounters& jobs() const { return jobs_; }
  [[nodiscard]] const Histogram& response() const { return response_; }
  [[nodiscard]] const MigrationRecord& migrations() const { return migrations_; }
  [[nodiscard]] std::uint64_t executionUs() const { return executionUs_; }
  [[nodiscard]] std::uint64_t startedJobs() const { return startedJobs_; }
  /// The sum over started jobs of the sizes of their units.
  [[nodiscard]] std::uint64_t unitJobs() const { return unitJobs_; }
  /// The i-th newest miss, i < missCount().
  [[nodiscard]] const Miss& miss(std::size_t i) const { return misses_[i]; }
  [[nodiscard]] std::size_t missCount() const { return misses_.size(); }

 private:
  void decided(const sched::ReleaseOutcome& outcome, std::int64_t wallUs);
  void rejected(sched::Admission by);

  JobCounters jobs_;
  std::uint64_t executionUs_ = 0;
  std::uint64_t startedJobs_ = 0;
  std::uint64_t unitJobs_ = 0;
  Histogram response_;
  MigrationRecord migrations_;
  std::optional<TimeUs> awaySinceUs_;
  RecentMisses misses_;
};

}  // namespace daris::runtime
