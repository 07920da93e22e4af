// A synthetic load for the scheduler core alone: releases, stages that take about their AFET, completions.
// Nothing is searched or sorted beside the core's calls, so that what is measured is the core.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <utility>
#include <vector>

#include "sched/scheduler.hpp"

namespace daris::bench {

inline constexpr std::uint32_t kContexts = 8;
inline constexpr std::uint32_t kStages = 4;

/// One GPU of kContexts contexts with one stream each, all overlapping; MRETs age.
[[nodiscard]] sched::Config configOf(sched::Admission admission);

/// The order-th of so many tasks: about 1 ms in kStages stages, one in three HP. All of them together ask for
/// 1.5 times the capacity, so that there are always rejections and migrations. All have the same period, and
/// deadlines between three quarters of it and all of it.
[[nodiscard]] sched::TaskSpec specOf(std::uint64_t order, std::uint64_t tasks, std::mt19937& random);

/// Owns a scheduler, plain or recorded, with so many tasks, released for ever.
template <typename Core>
class StageDrive {
 public:
  /// `core` is configured and has no tasks.
  StageDrive(Core core, std::uint64_t tasks);

  /// Goes on until one more stage has completed.
  void oneStage();

  [[nodiscard]] Core& core() { return core_; }

 private:
  void release();
  void complete(std::uint32_t context);
  void start(std::uint32_t context, TimeUs now);

  struct Release {
    TimeUs phaseUs = 0;
    sched::TaskId task;
  };
  struct Running {
    TimeUs endUs = INT64_MAX;
    DurationUs execUs = 0;
    sched::UnitId unit;
    sched::StageIndex stage = 0;
  };

  Core core_;
  std::vector<Release> releases_;  // of one period, in order; every period is the same
  std::size_t nextRelease_ = 0;
  TimeUs periodStartUs_ = 0;
  DurationUs periodUs_ = 0;
  std::array<Running, kContexts> running_{};
  std::uint32_t random_ = 1;
};

template <typename Core>
StageDrive<Core>::StageDrive(Core core, std::uint64_t tasks) : core_(std::move(core)) {
  std::mt19937 random(1);
  for (std::uint64_t i = 0; i < tasks; ++i) {
    const sched::TaskSpec spec = specOf(i, tasks, random);
    periodUs_ = spec.periodUs;
    const auto phaseUs = static_cast<TimeUs>(random() % static_cast<std::uint64_t>(periodUs_));
    releases_.push_back({phaseUs, core_.addTask(spec, 0)->task});
  }
  std::ranges::sort(releases_, {}, &Release::phaseUs);
}

template <typename Core>
void StageDrive<Core>::oneStage() {
  for (;;) {
    std::uint32_t first = 0;
    for (std::uint32_t context = 1; context < kContexts; ++context)
      if (running_[context].endUs < running_[first].endUs) first = context;
    if (periodStartUs_ + releases_[nextRelease_].phaseUs >= running_[first].endUs) return complete(first);
    release();
  }
}

template <typename Core>
void StageDrive<Core>::release() {
  const TimeUs now = periodStartUs_ + releases_[nextRelease_].phaseUs;
  const auto outcome = core_.release(releases_[nextRelease_].task, {0, now}, now);
  if (++nextRelease_ == releases_.size()) {
    nextRelease_ = 0;
    periodStartUs_ += periodUs_;
  }
  if (outcome->decision == sched::Decision::Admitted) start(outcome->context.index, now);
}

template <typename Core>
void StageDrive<Core>::complete(std::uint32_t context) {
  Running& running = running_[context];
  const TimeUs now = std::exchange(running.endUs, INT64_MAX);
  const auto done = core_.complete(running.unit, running.stage, running.execUs, now);
  if (!done.ok()) std::abort();  // a bug of the drive
  start(context, now);
}

template <typename Core>
void StageDrive<Core>::start(std::uint32_t context, TimeUs now) {
  const auto next = core_.next({0, context}, now);
  if (next->kind != sched::NextKind::Run) return;
  random_ = random_ * 1664525 + 1013904223;
  const DurationUs execUs = 130 + (random_ >> 16) % 220;
  running_[context] = {now + execUs, execUs, next->run.unit, next->run.stage};
}

}  // namespace daris::bench
