// The scheduler core under joining, plain or recorded, alone.
#pragma once

#include <array>
#include <cstdlib>
#include <utility>
#include <vector>

#include "joined_load.hpp"
#include "sched/scheduler.hpp"

namespace daris::bench {

template <typename Core>
class JoinedDrive {
 public:
  /// `core` has joinedConfig() and the capacities of class 0, and no tasks.
  JoinedDrive(Core core, std::uint32_t tasks) : core_(std::move(core)), tasks_(tasks) {
    for (std::uint32_t i = 0; i < tasks; ++i) ids_.push_back(core_.addTask(joinedTask(i), 0)->task);
  }

  /// Goes on until one more stage of a unit has completed; how many jobs ended with it.
  std::uint64_t oneStage() {
    for (;;) {
      const std::size_t first = streams_[0].endUs <= streams_[1].endUs ? 0 : 1;
      const TimeUs releaseUs =
          round_ * kJoinedPeriodUs + static_cast<TimeUs>(next_) * kJoinedPeriodUs / tasks_;
      if (streams_[first].endUs <= releaseUs) return complete(streams_[first]);
      now_ = releaseUs;
      (void)core_.release(ids_[next_], {0, now_}, now_);
      if (++next_ == tasks_) next_ = 0, ++round_;
      start();
    }
  }

 private:
  struct Running {
    TimeUs endUs = INT64_MAX;
    DurationUs execUs = 0;
    sched::UnitId unit;
    sched::StageIndex stage = 0;
  };

  std::uint64_t complete(Running& running) {
    now_ = std::exchange(running.endUs, INT64_MAX);
    const auto done = core_.complete(running.unit, running.stage, running.execUs, now_);
    if (!done.ok()) std::abort();  // a bug of the drive
    const std::uint64_t ended = done->finished ? done->members.size() : 0;
    start();
    return ended;
  }

  void start() {
    for (;;) {
      const auto next = core_.next({0, 0}, now_);
      if (next->kind != sched::NextKind::Run) return;
      const sched::Dispatch& run = next->run;
      const DurationUs execUs = times_.nextUs(run.capacity);
      streams_[run.stream] = {now_ + execUs, execUs, run.unit, run.stage};
    }
  }

  Core core_;
  std::uint32_t tasks_;
  std::vector<sched::TaskId> ids_;
  std::array<Running, kJoinedStreams> streams_;
  JoinedTimes times_;
  std::uint32_t next_ = 0;
  std::int64_t round_ = 0;
  TimeUs now_ = 0;
};

}  // namespace daris::bench
