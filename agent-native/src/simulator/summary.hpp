// The figures of a run, per task, per priority and per GPU, as one JSON document.
#pragma once

#include <string>
#include <vector>

#include "sched/snapshot.hpp"
#include "simulator/responses.hpp"
#include "simulator/scenario.hpp"

namespace daris::simulator {

struct TaskResult {
  sched::Counters counters;
  std::uint64_t migrations = 0;
  Responses responses;
};

struct GpuResult {
  sched::Wide busyUs = 0;  // of all streams, within the run
  std::uint64_t completed = 0;
};

struct RunResult {
  std::vector<TaskResult> tasks;  // by position
  std::vector<GpuResult> gpus;    // by position
  std::uint64_t events = 0;       // lines of the trace, written or not
};

/// dmr = missed / admitted and onTimeRate = in time / released, 0 where nothing was; response figures are
/// null then.
std::string summaryOf(const Scenario& scenario, const RunResult& result);

}  // namespace daris::simulator
