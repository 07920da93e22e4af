#include "runtime/desired_state.hpp"

#include <cmath>
#include <set>

#include "runtime/error.hpp"

namespace daris::runtime {

namespace {

std::string beyond(const char* field, std::int64_t value, const std::string& wanted) {
  return std::string(field) + " is " + std::to_string(value) + ", expected " + wanted;
}

void checkRange(const char* field, std::uint32_t value, std::uint32_t low, std::uint32_t high) {
  if (value >= low && value <= high) return;
  throw InvalidArgument(beyond(field, value, std::to_string(low) + " to " + std::to_string(high)));
}

void checkPolicy(const Policy& policy) {
  checkRange("policy.contexts", policy.partition.contexts, 1, sched::kMaxContexts);
  checkRange("policy.streams_per_context", policy.partition.streams_per_context, 1, sched::kMaxStreams);
  checkRange("policy.mret_window", policy.scheduling.mretWindow, 1, sched::kMaxMretWindow);
  const double os = policy.partition.oversubscription;
  if (!(os >= 1 && os <= policy.partition.contexts)) {
    throw InvalidArgument("policy.oversubscription is " + std::to_string(os) + ", expected 1 to contexts (" +
                          std::to_string(policy.partition.contexts) + ")");
  }
  const double limit = policy.highPriorityUtilizationLimit;
  if (!(limit > 0 && limit <= 1)) {
    throw InvalidArgument("policy.high_priority_utilization_limit is " + std::to_string(limit) +
                          ", expected above 0 and at most 1");
  }
}

}  // namespace

bool Policy::operator==(const Policy& other) const {
  const auto& a = scheduling;
  const auto& b = other.scheduling;
  return partition == other.partition && a.mretWindow == b.mretWindow && a.mretAging == b.mretAging &&
         a.admission == b.admission && a.highPriorityAdmission == b.highPriorityAdmission &&
         a.joining == b.joining && highPriorityUtilizationLimit == other.highPriorityUtilizationLimit &&
         name == other.name && compiledCodeNamespaces == other.compiledCodeNamespaces;
}

std::string servedName(const DesiredTask& task) {
  return task.name + "." + task.nameSpace;
}

std::optional<std::string> faultOf(const DesiredTask& task) {
  if (task.name.empty()) return "name is empty";
  if (task.nameSpace.empty()) return "namespace is empty";
  if (task.periodUs < 1 || task.periodUs > kMaxTimeUs) {
    return beyond("period_us", task.periodUs, "1 to 2^53");
  }
  if (task.deadlineUs < 1 || task.deadlineUs > task.periodUs) {
    return beyond("deadline_us", task.deadlineUs, "1 to period_us (" + std::to_string(task.periodUs) + ")");
  }
  if (task.offsetUs < 0 || task.offsetUs >= task.periodUs) {
    return beyond("offset_us", task.offsetUs,
                  "0 to less than period_us (" + std::to_string(task.periodUs) + ")");
  }
  if (task.releaseJitterUs < 0 || task.releaseJitterUs > kMaxTimeUs) {
    return beyond("release_jitter_us", task.releaseJitterUs, "0 to 2^53");
  }
  if (task.batchSize == 0) return "batch_size is 0, expected 1 or more";
  return std::nullopt;
}

void check(const DesiredState& desired) {
  checkPolicy(desired.policy);
  std::set<std::string_view> uids;
  for (const DesiredTask& task : desired.tasks) {
    if (task.uid.empty()) throw InvalidArgument("tasks: " + servedName(task) + " has no uid");
    if (!uids.insert(task.uid).second) throw InvalidArgument("tasks: uid " + task.uid + " is there twice");
  }
}

}  // namespace daris::runtime
