// A scenario of daris-sim: a static set of periodic tasks on a partition, with the execution times of their
// stages. Format version 1; every field is checked, and an error names the field by its path.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "sched/types.hpp"

namespace daris::simulator {

/// What is wrong with a scenario: "tasks[2].periodUs: must be ...".
class ScenarioError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct ScenarioGpu {
  std::string name;
  sched::GpuConfig partition;
};

struct ScenarioTask {
  std::string name;
  sched::TaskSpec spec;  // `order` is the position; `context` only if the scenario names one
  TimeUs phaseUs = 0;
  std::vector<std::vector<DurationUs>> execUs;  // row k: stages of the k-th admitted job, cyclically
};

struct Scenario {
  TimeUs durationUs = 0;
  std::uint64_t seed = 0;
  std::vector<ScenarioGpu> gpus;
  sched::Policy policy;
  std::vector<ScenarioTask> tasks;
};

/// Throws ScenarioError.
Scenario parseScenario(std::string_view json);

}  // namespace daris::simulator
