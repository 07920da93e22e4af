#include "runtime/joined_load.hpp"

#include <algorithm>
#include <numeric>

namespace daris::runtime {

namespace {

ClassKey keyOf(const PlannedTask& planned) {
  return {planned.task.modelDigest, planned.task.batchSize};
}

DurationUs sumOf(const std::vector<DurationUs>& afetUs) {
  return std::accumulate(afetUs.begin(), afetUs.end(), DurationUs{0});
}

}  // namespace

JoinedLoad::JoinedLoad(const std::vector<PlannedTask>& tasks, const JoinedClasses& joined,
                       std::uint32_t contexts) {
  if (joined.empty()) return;
  for (const auto& [key, capacities] : joined) classes_[key].reset(capacities, 1);
  findFacts(tasks);
  const DurationUs slackUs = leastSlackUs(tasks);
  for (auto& [key, each] : classes_) each.choose(contexts, slackUs);
}

void JoinedLoad::findFacts(const std::vector<PlannedTask>& tasks) {
  std::map<ClassKey, DurationUs> longestUs;  // stage of a class, joined or not
  for (const PlannedTask& planned : tasks) {
    const ClassKey key = keyOf(planned);
    DurationUs& longest = longestUs[key];
    longest = std::max(longest, *std::ranges::max_element(planned.afetUs));
    const auto found = classes_.find(key);
    if (found == classes_.end()) continue;
    ++found->second.facts.tasks;
    found->second.facts.deadlineUs = std::min(found->second.facts.deadlineUs, planned.task.deadlineUs);
  }
  for (auto& [key, each] : classes_) {
    for (const auto& [other, us] : longestUs)
      if (other != key) each.facts.blockingUs = std::max(each.facts.blockingUs, us);
  }
}

/// Over all contexts: n* is one for the whole GPU. AFETs of a joined class's task are those of one job alone.
DurationUs JoinedLoad::leastSlackUs(const std::vector<PlannedTask>& tasks) const {
  DurationUs slackUs = sched::kNoBound;
  for (const PlannedTask& planned : tasks) {
    if (planned.task.priority != sched::Priority::High) continue;
    slackUs = std::min(slackUs, planned.task.deadlineUs - sumOf(planned.afetUs));
  }
  return slackUs;
}

sched::Utilization JoinedLoad::utilizationOf(const PlannedTask& planned) const {
  const DesiredTask& task = planned.task;
  const auto found = classes_.find(keyOf(planned));
  if (found == classes_.end())
    return sched::utilizationOf(sumOf(planned.afetUs), task.deadlineUs, task.periodUs);
  return found->second.utilization(std::min(task.deadlineUs, task.periodUs));
}

}  // namespace daris::runtime
