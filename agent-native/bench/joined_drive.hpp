// The scheduler core under joining, alone: many tasks of one model with one job each 33 ms, near what the GPU
// can do at all, on two streams. Units take what ResNet18 takes on an H200 (two streams, FP16).
#pragma once

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>
#include <vector>

#include "sched/scheduler.hpp"

namespace daris::bench {

class JoinedDrive {
 public:
  explicit JoinedDrive(std::uint32_t tasks)
      : core_(std::move(sched::Scheduler::create(configOf()).value())), tasks_(tasks) {
    std::vector<sched::Capacity> capacities;
    for (const auto& [jobs, unitUs] : kUnits)
      capacities.push_back({jobs, {unitUs / 4, unitUs / 4, unitUs / 4, unitUs / 4}});
    if (!core_.setCapacities(0, capacities).ok()) std::abort();
    for (std::uint32_t i = 0; i < tasks; ++i) {
      sched::TaskSpec spec;
      spec.priority = i % 3 == 0 ? sched::Priority::High : sched::Priority::Low;
      spec.periodUs = spec.deadlineUs = kPeriodUs;
      spec.afetUs = capacities.front().afetUs;
      spec.order = i;
      ids_.push_back(core_.addTask(spec, 0)->task);
    }
  }

  /// Goes on until one more stage of a unit has completed; how many jobs ended with it.
  std::uint64_t oneStage() {
    for (;;) {
      const std::size_t first = streams_[0].endUs <= streams_[1].endUs ? 0 : 1;
      const TimeUs releaseUs = round_ * kPeriodUs + static_cast<TimeUs>(next_) * kPeriodUs / tasks_;
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

  static constexpr DurationUs kPeriodUs = 33'333;
  static constexpr std::array<std::pair<std::uint32_t, DurationUs>, 8> kUnits{
      {{1, 190}, {2, 215}, {4, 260}, {8, 330}, {16, 521}, {32, 921}, {64, 1645}, {128, 3145}}};

  static sched::Config configOf() {
    sched::Config config{{{.smCount = 132, .contexts = 1, .streamsPerContext = 2}}, {}};
    config.policy.joining = true;
    config.policy.mretAging = true;
    config.policy.admission = sched::Admission::Predicted;
    return config;
  }

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
      const auto unit = std::ranges::find(kUnits, run.capacity, &std::pair<std::uint32_t, DurationUs>::first);
      random_ = random_ * 1664525 + 1013904223;
      const DurationUs execUs = unit->second / 4 * (97 + (random_ >> 16) % 6) / 100;
      streams_[run.stream] = {now_ + execUs, execUs, run.unit, run.stage};
    }
  }

  sched::Scheduler core_;
  std::uint32_t tasks_;
  std::vector<sched::TaskId> ids_;
  std::array<Running, 2> streams_;
  std::uint32_t next_ = 0;
  std::int64_t round_ = 0;
  TimeUs now_ = 0;
  std::uint32_t random_ = 1;
};

}  // namespace daris::bench
