// A synthetic load for the scheduler core alone: releases, stages that take about their AFET, completions.
// Nothing is searched or sorted beside the core's calls, so that what is measured is the core.
#pragma once

#include <array>
#include <cstdint>
#include <random>
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

/// Owns a scheduler with so many tasks, released for ever.
class StageDrive {
 public:
  StageDrive(std::uint64_t tasks, sched::Admission admission);

  /// Goes on until one more stage has completed.
  void oneStage();

  [[nodiscard]] sched::Scheduler& scheduler() { return sched_; }

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

  sched::Scheduler sched_;
  std::vector<Release> releases_;  // of one period, in order; every period is the same
  std::size_t nextRelease_ = 0;
  TimeUs periodStartUs_ = 0;
  DurationUs periodUs_ = 0;
  std::array<Running, kContexts> running_{};
  std::uint32_t random_ = 1;
};

}  // namespace daris::bench
