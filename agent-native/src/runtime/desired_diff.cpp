#include "runtime/desired_diff.hpp"

#include <set>
#include <tuple>

namespace daris::runtime {

namespace {

/// All that a task runs by; `carried` only says where its counters started.
auto terms(const DesiredTask& task) {
  return std::tie(task.epoch, task.context, task.priority, task.periodUs, task.deadlineUs, task.release,
                  task.releaseJitterUs, task.offsetUs, task.lateJobs);
}

auto identity(const DesiredTask& task) {
  return std::tie(task.nameSpace, task.name, task.modelDigest, task.gpuUuid, task.batchSize);
}

}  // namespace

Step stepTo(const DesiredTask& wanted, const DesiredTask* running) {
  if (running == nullptr) return Step::Add;
  if (identity(wanted) != identity(*running)) return Step::Replace;
  return terms(wanted) == terms(*running) ? Step::Keep : Step::Change;
}

Difference difference(const std::vector<const DesiredTask*>& wanted,
                      const std::map<std::string, const DesiredTask*, std::less<>>& running) {
  Difference result;
  std::set<std::string_view> kept;
  for (const DesiredTask* task : wanted) {
    kept.insert(task->uid);
    const auto found = running.find(task->uid);
    result.steps.push_back(stepTo(*task, found == running.end() ? nullptr : found->second));
  }
  for (const auto& [uid, task] : running) {
    if (!kept.contains(uid)) result.removed.push_back(uid);
  }
  return result;
}

}  // namespace daris::runtime
