// What became of every release of a run, read from the scheduler's own trace while it runs.
#pragma once

#include <cstdint>
#include <stop_token>
#include <thread>
#include <vector>

#include "gpu/samples.hpp"
#include "trace/ring.hpp"

namespace daris::bench {

/// Follows a ring on a thread of its own. Samples go into memory that is there, and touched, before it
/// starts.
class Journal {
 public:
  /// `groups[order]` is the group of the task of that order. Begins at the ring's present end.
  Journal(const trace::Ring& ring, std::vector<std::uint32_t> groups, std::size_t most_releases);

  /// Reads what is left, ends the thread and hands out all that it saw. Throws std::runtime_error where the
  /// ring went round before it was read, or there were more releases than foreseen: figures of the rest would
  /// be of other jobs than meant.
  [[nodiscard]] Samples finish();

 private:
  void follow(const std::stop_token& stop);
  void read();
  void take(const trace::Record& record);
  void decided(const trace::Record& record, Fate fate);
  void ended(const trace::Record& record);

  const trace::Ring& ring_;
  std::vector<std::uint32_t> groups_;
  Samples samples_;
  std::vector<bool> moving_;              // by order: the job that is active came from another context
  std::vector<std::uint16_t> unit_jobs_;  // by order: jobs of the unit that the active one goes in
  std::uint64_t next_;
  std::uint64_t lost_ = 0;
  std::uint64_t beyond_ = 0;
  TimeUs nominal_us_ = 0;  // of the release whose answer comes next
  std::jthread thread_;
};

}  // namespace daris::bench
