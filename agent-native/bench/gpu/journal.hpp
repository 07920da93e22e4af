// What became of every release of a run, read from the scheduler's own trace while it runs.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <thread>
#include <vector>

#include "trace/ring.hpp"

namespace daris::bench {

enum class Fate : std::uint8_t { Admitted, Rejected, Skipped };

struct ReleaseSample {
  TimeUs release_us = 0;  // the grid's point
  std::uint32_t group = 0;
  Fate fate = Fate::Admitted;
};

struct JobSample {
  TimeUs release_us = 0;
  std::uint32_t response_us = 0;
  std::uint32_t group = 0;
  sched::End end = sched::End::Completed;
  sched::MissCause cause = sched::MissCause::None;
  bool missed = false;
  bool migrated = false;  // moved to another context at its release

  [[nodiscard]] TimeUs end_us() const { return release_us + response_us; }
};

/// Follows a ring on a thread of its own. Samples go into memory that is there, and touched, before it
/// starts.
class Journal {
 public:
  /// `groups[order]` is the group of the task of that order. Begins at the ring's present end.
  Journal(const trace::Ring& ring, std::vector<std::uint32_t> groups, std::size_t most_releases);

  /// Reads what is left and ends the thread. Throws std::runtime_error where the ring went round before it
  /// was read, or there were more releases than foreseen: figures of the rest would be of other jobs than
  /// meant.
  void finish();

  [[nodiscard]] std::span<const ReleaseSample> releases() const { return releases_; }
  [[nodiscard]] std::span<const JobSample> jobs() const { return jobs_; }

 private:
  void follow(const std::stop_token& stop);
  void read();
  void take(const trace::Record& record);
  void decided(const trace::Record& record, Fate fate);
  void ended(const trace::Record& record);

  const trace::Ring& ring_;
  std::vector<std::uint32_t> groups_;
  std::vector<ReleaseSample> releases_;
  std::vector<JobSample> jobs_;
  std::vector<bool> moving_;  // by order: the job that is active came from another context
  std::uint64_t next_;
  std::uint64_t lost_ = 0;
  std::uint64_t beyond_ = 0;
  TimeUs nominal_us_ = 0;  // of the release whose answer comes next
  std::jthread thread_;
};

}  // namespace daris::bench
