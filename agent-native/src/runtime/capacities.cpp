#include "runtime/capacities.hpp"

#include <algorithm>

namespace daris::runtime {

namespace {

using Afets = std::vector<DurationUs>;

/// AFETs of one of the model's batch sizes; null: nobody knows them.
const Afets* afetsOf(const ObservedModel& model, const BatchTiming& measured,
                     const std::vector<BatchTiming>& desired) {
  const std::size_t stages = model.manifest->stages.size();
  for (const BatchTiming& each : desired)
    if (each.size == measured.size && areAfets(each.stageAfetUs, stages)) return &each.stageAfetUs;
  return model.measured && areAfets(measured.stageAfetUs, stages) ? &measured.stageAfetUs : nullptr;
}

}  // namespace

Capacities capacitiesOf(const ObservedModel& model, const std::vector<BatchTiming>& desired,
                        std::uint32_t batch) {
  Capacities capacities;
  if (model.phase != ModelPhase::Ready || !model.manifest || batch == 0) return capacities;
  for (const BatchTiming& each : model.batches) {
    const std::uint32_t jobs = each.size / batch;
    if (each.size % batch != 0 || jobs == 0 || jobs > sched::kMaxUnitJobs) continue;
    if (capacities.size() == sched::kMaxCapacities) break;
    if (const Afets* afetUs = afetsOf(model, each, desired)) capacities.push_back({jobs, *afetUs});
  }
  const bool joins = capacities.size() > 1 && capacities.front().jobs == 1;
  return joins ? capacities : Capacities();
}

JoinedClasses joinedClasses(const DesiredState& desired, const ModelTable& models) {
  JoinedClasses joined;
  if (!desired.policy.scheduling.joining) return joined;
  std::map<std::string_view, std::vector<BatchTiming>> known;
  for (const DesiredModel& model : desired.models) {
    auto& timings = known[model.digest];
    timings.insert(timings.end(), model.batches.begin(), model.batches.end());
  }
  std::set<ClassKey> seen;
  for (const DesiredTask& task : desired.tasks) {
    const ClassKey key{task.modelDigest, task.batchSize};
    const auto model = models.find(task.modelDigest);
    if (model == models.end() || !seen.insert(key).second) continue;
    Capacities capacities = capacitiesOf(model->second, known[task.modelDigest], task.batchSize);
    if (!capacities.empty()) joined.emplace(key, std::move(capacities));
  }
  return joined;
}

bool sameSizes(const Capacities& a, const Capacities& b) {
  return std::ranges::equal(a, b, {}, &sched::Capacity::jobs, &sched::Capacity::jobs);
}

}  // namespace daris::runtime
