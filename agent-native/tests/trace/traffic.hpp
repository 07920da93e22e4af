// A recorded scheduler under overload in virtual time, so that every kind of record is written: for the tests
// of what is made of records.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "trace/names.hpp"
#include "trace/recorded_scheduler.hpp"

namespace daris::test {

/// Deterministic. Twelve tasks, or six times as many where they are joined, of both priorities on three
/// contexts of two streams, periodic and on request, some of whose late jobs are dropped; stages that overrun
/// or fail.
class Traffic {
 public:
  /// `joining`: jobs of two of the three classes may go together.
  explicit Traffic(trace::Ring& ring, bool joining = false);

  /// Releases, stages and their ends for so long; allocates nothing itself.
  void run(DurationUs durationUs);

  /// A task goes, another comes, terms, policy and slots change.
  void change();

  [[nodiscard]] const trace::Labels& labels() const { return labels_; }
  [[nodiscard]] TimeUs nowUs() const { return nowUs_; }

 private:
  static constexpr std::uint32_t kContexts = 3;
  static constexpr std::uint32_t kStreams = 2;

  struct Task {
    sched::TaskId id;
    sched::TaskSpec spec;
    TimeUs dueUs = 0;
    bool removed = false;
  };
  struct Running {
    bool busy = false;
    sched::UnitId unit;
    sched::StageIndex stage = 0;
    TimeUs startUs = 0;
    TimeUs endUs = 0;
  };

  void add();
  void completions();
  void releases();
  void dispatch();

  bool joining_;
  sched::Config config_;
  trace::RecordedScheduler scheduler_;
  std::vector<Task> tasks_;
  std::array<Running, kContexts * kStreams> streams_;
  std::mt19937 random_{7};
  trace::Labels labels_;
  TimeUs nowUs_ = 1'000'000;
  std::uint64_t token_ = 0;
  int changes_ = 0;
};

}  // namespace daris::test
