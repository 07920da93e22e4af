// What gpu-bench is asked to do: a JSON document, read into plain values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/partition.hpp"
#include "gpu/queue_rule.hpp"
#include "sched/types.hpp"

namespace daris::bench {

struct EnginePlan {
  std::string kind = "torch";    ///< or sim
  bool copies = false;           ///< torch: inputs and outputs cross the bus with each job
  bool fine = false;             ///< torch: SMs in groups of 2
  double memory_share = 0.9;     ///< torch: of the GPU's free memory
  std::uint32_t pinned_gib = 1;  ///< torch: of page-locked memory for inputs and outputs
  std::uint32_t sms = 132;       ///< sim
};

/// A package at one batch size, with slots on each stream. `capacities` ascend from 1: how many of its jobs
/// may go together; its slots have a form for each.
struct ClassPlan {
  std::filesystem::path package{};
  std::uint32_t batch = 1;
  std::uint32_t slots_per_stream = 2;
  std::vector<std::uint32_t> capacities{1};
};

/// Periodic tasks alike. Two of `tasks`, `period_us` and the load say how many there are and how often each
/// is released; the load, in jobs a second, is `rate`, or `times_bare` what the last bare loop of that class
/// reached in this bed.
struct GroupPlan {
  std::uint32_t class_index = 0;
  sched::Priority priority = sched::Priority::Low;
  std::optional<std::uint32_t> tasks{};
  std::optional<DurationUs> period_us{};
  std::optional<double> rate{};
  std::optional<double> times_bare{};
  std::optional<std::uint32_t> context{};  ///< absent: Algorithm 1 picks
  std::optional<DurationUs> booked_us{};   ///< told to the scheduler instead of the measured AFET
  bool asleep = false;                     ///< books its context, and is not released while the run lasts
};

/// Another model that is loaded, measured and given slots while the tasks run.
struct BesidePlan {
  std::filesystem::path package{};
  std::uint32_t batch = 1;
  std::uint32_t slots = 1;  ///< in each context
};

/// All streams replay one class's stages.
struct BarePlan {
  std::uint32_t class_index = 0;
  std::uint32_t capacity = 1;  ///< the form, by its jobs
  double seconds = 1;
  bool gate = false;     ///< says that it is ready, and reads from stdin when it counts
  bool samples = false;  ///< tells the time of every job
};

/// Tasks through the whole online phase. With `joining` each brings an input, else all have the package's
/// sample.
struct LoadPlan {
  std::vector<GroupPlan> groups{};
  double warm_up_seconds = 0.3;  ///< served before anything counts
  double seconds = 1;
  sched::Admission admission = sched::Admission::Predicted;
  bool mret_aging = true;
  bool joining = false;
  bool compare = false;  ///< outputs of every job with those of its slot alone
  std::optional<BesidePlan> beside{};
};

/// The same tasks, each with an input that it brings, by a rule of queues without admission.
struct QueuedPlan {
  std::vector<GroupPlan> groups{};
  double warm_up_seconds = 0.3;
  double seconds = 1;
  std::optional<TritonTerms> triton{};  ///< absent: the rule of free lanes
};

struct RunPlan {
  std::string name{};
  std::variant<BarePlan, LoadPlan, QueuedPlan> work{};
};

/// One partitioning with its classes, for runs one after the other.
struct BedPlan {
  std::string name{};
  engine::Partitioning partition{};
  std::vector<ClassPlan> classes{};
  std::uint32_t repetitions = 20;  ///< of AFET's measurement
  std::vector<RunPlan> runs{};
};

struct Plan {
  EnginePlan engine{};
  std::uint32_t core = 0;  ///< of whoever dispatches
  std::vector<BedPlan> beds{};
};

/// Throws nlohmann::json::exception or std::invalid_argument, naming what is wrong.
[[nodiscard]] Plan parse_plan(const nlohmann::json& document);

/// The word of a mode in plans and results.
[[nodiscard]] const char* word_of(engine::PartitionMode mode);

}  // namespace daris::bench
