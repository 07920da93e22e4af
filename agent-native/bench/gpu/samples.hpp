// What became of the releases of a run, whoever served them.
#pragma once

#include <cstdint>
#include <vector>

#include "sched/outcomes.hpp"

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
  bool migrated = false;        // moved to another context at its release
  std::uint16_t unit_jobs = 1;  // jobs that it went with, itself included

  [[nodiscard]] TimeUs end_us() const { return release_us + response_us; }
};

struct Samples {
  std::vector<ReleaseSample> releases;
  std::vector<JobSample> jobs;

  /// Touched now, so that nothing is allocated while jobs run.
  void make_room(std::size_t most) {
    releases.assign(most, {});
    releases.clear();
    jobs.assign(most, {});
    jobs.clear();
  }
};

}  // namespace daris::bench
