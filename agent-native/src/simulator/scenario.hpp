// A scenario of daris-sim: a static set of periodic tasks on a partition, with the execution times of their
// stages. Format version 1; every field is checked, and an error names the field by its path.
#pragma once

#include <cstdint>
#include <optional>
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

/// What a stage needs of a GPU that it has to itself, in millionths; docs/paper-model.md.
struct Demand {
  std::int64_t smPpm = 0;      // of its time, what grows as SMs shrink, and what it takes of the SMs
  std::int64_t memoryPpm = 0;  // what it takes from every neighbour, on whatever SMs
};

/// Tasks that may be joined: what their stages take at each capacity after the first.
struct ScenarioClass {
  std::string name;
  std::optional<std::vector<Demand>> demand;  // of a unit; with calibrated interference only
  std::vector<std::vector<DurationUs>> afetUs;
  std::vector<std::vector<std::vector<DurationUs>>> execUs;  // row k: of the k-th unit of that capacity
};

struct ScenarioJoining {
  std::vector<std::uint32_t> capacities;
  std::vector<ScenarioClass> classes;
};

struct ScenarioTask {
  std::string name;
  std::optional<std::size_t> joins;  // position in the classes
  sched::TaskSpec spec;              // `order` is the position; `context` only if the scenario names one
  TimeUs phaseUs = 0;
  std::optional<Demand> demand;                 // with calibrated interference only
  std::vector<std::vector<DurationUs>> execUs;  // row k: stages of the k-th admitted job, cyclically
};

struct Scenario {
  TimeUs durationUs = 0;
  std::uint64_t seed = 0;
  std::vector<ScenarioGpu> gpus;
  sched::Policy policy;
  ScenarioJoining joining;
  std::vector<ScenarioTask> tasks;
  bool calibrated = false;  // stages are stretched by what runs beside them
};

/// Throws ScenarioError.
Scenario parseScenario(std::string_view json);

}  // namespace daris::simulator
