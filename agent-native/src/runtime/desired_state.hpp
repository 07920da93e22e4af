// What an agent wants of this runtime, as plain values in the words of proto/runtime.proto.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "engine/partition.hpp"
#include "runtime/batch_timing.hpp"
#include "sched/types.hpp"

namespace daris::runtime {

/// How the device is divided and scheduled. `scheduling` changes while jobs run; `partition` drains first.
struct Policy {
  engine::Partitioning partition;
  sched::Policy scheduling;
  double highPriorityUtilizationLimit = 0.75;  // share of a context's N_s that HP tasks may book
  std::string name;                            // of the GpuSchedulingPolicy, for messages
  std::set<std::string, std::less<>> compiledCodeNamespaces;

  bool operator==(const Policy& other) const;
};

struct DesiredModel {
  std::string digest;
  std::string uri;
  bool measure = false;                      // also where no task waits for its AFETs
  std::vector<std::string> namespaces = {};  // in which an object names it
  std::vector<BatchTiming> batches = {};     // AFETs that its profile for this GPU knows

  bool operator==(const DesiredModel&) const = default;
};

/// Counters of a task over its whole life, here and where it ran before; their meaning is sched::Counters'.
struct JobCounters {
  std::uint64_t released = 0;
  std::uint64_t skipped = 0;
  std::uint64_t rejected = 0;
  std::uint64_t rejectedByUtilization = 0;  // of these, by inequality (12)
  std::uint64_t rejectedByPrediction = 0;   // of these, by the predicted finish
  std::uint64_t early = 0;
  std::uint64_t superseded = 0;
  std::uint64_t withdrawn = 0;
  std::uint64_t admitted = 0;
  std::uint64_t completed = 0;
  std::uint64_t missed = 0;
  std::uint64_t dropped = 0;
  std::uint64_t failed = 0;
  std::uint64_t onTime = 0;

  bool operator==(const JobCounters&) const = default;
};

struct DesiredTask {
  std::string uid;
  std::string nameSpace;
  std::string name;
  std::uint64_t epoch = 0;
  std::string modelDigest;
  std::string gpuUuid;
  std::uint32_t context = 0;
  sched::Priority priority = sched::Priority::Low;
  DurationUs periodUs = 0;
  DurationUs deadlineUs = 0;
  sched::ReleaseMode release = sched::ReleaseMode::OnRequest;
  DurationUs releaseJitterUs = 0;
  DurationUs offsetUs = 0;
  std::uint32_t batchSize = 0;
  sched::LateJobs lateJobs = sched::LateJobs::Finish;
  JobCounters carried;
  std::uint64_t carriedMigrations = 0;
  std::vector<DurationUs> stageAfetUs;  // by which it was booked; empty: the model is to be measured
};

struct DesiredState {
  std::uint64_t generation = 0;
  Policy policy;
  std::vector<DesiredModel> models;
  std::vector<DesiredTask> tasks;
};

/// `task.namespace`, the model name of inference requests.
[[nodiscard]] std::string servedName(const DesiredTask& task);

/// What is wrong with a task's own fields, naming the field and what would work; nothing when it is sound.
[[nodiscard]] std::optional<std::string> faultOf(const DesiredTask& task);

/// Throws InvalidArgument naming the field: a policy that no device could have, a uid that is missing or
/// twice.
void check(const DesiredState& desired);

}  // namespace daris::runtime
