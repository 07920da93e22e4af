#include "runtime/plan.hpp"

#include <algorithm>

#include "runtime/compiled_code.hpp"
#include "runtime/joined_load.hpp"
#include "runtime/words.hpp"

namespace daris::runtime {

namespace {

Verdict refused(std::string reason, std::string message) {
  return {TaskPhase::Refused, std::move(reason), std::move(message), {}};
}

std::string sizesOf(const ObservedModel& model) {
  std::string words;
  for (const BatchTiming& batch : model.batches) {
    words += (words.empty() ? "" : ", ") + std::to_string(batch.size);
  }
  return words.empty() ? "none for this engine" : words;
}

/// Whether the task brings an AFET for each stage of its model.
bool bringsAfets(const DesiredTask& task, const ObservedModel& model) {
  return model.manifest && areAfets(task.stageAfetUs, model.manifest->stages.size());
}

/// Ready and without AFETs that hold, for no known reason.
bool isMeasurable(const ObservedModel& model) {
  return model.phase == ModelPhase::Ready && !model.measured && model.reason.empty();
}

/// The capacities of the task's class; null: it does not join.
const Capacities* joinedOf(const DesiredTask& task, const JoinedClasses& joined) {
  const auto found = joined.find({task.modelDigest, task.batchSize});
  return found == joined.end() ? nullptr : &found->second;
}

Verdict verdictOfModel(const DesiredTask& task, const ModelTable& models, const JoinedClasses& joined) {
  const auto found = models.find(task.modelDigest);
  if (found == models.end()) {
    return refused("ModelFailed", "model " + task.modelDigest + " is not among the desired models");
  }
  const ObservedModel& model = found->second;
  if (model.phase == ModelPhase::Loading) return {TaskPhase::Loading, "", "", {}};
  if (model.phase == ModelPhase::Failed) return refused("ModelFailed", model.reason + ": " + model.message);
  const auto batch = std::ranges::find(model.batches, task.batchSize, &BatchTiming::size);
  if (batch == model.batches.end()) {
    return refused("BatchNotInPackage", "batch size " + std::to_string(task.batchSize) +
                                            " is not in the package; it has " + sizesOf(model));
  }
  if (const Capacities* capacities = joinedOf(task, joined))
    return {TaskPhase::Serving, "", "", capacities->front().afetUs};
  if (bringsAfets(task, model)) return {TaskPhase::Serving, "", "", task.stageAfetUs};
  if (!batch->stageAfetUs.empty()) return {TaskPhase::Serving, "", "", batch->stageAfetUs};
  if (model.reason.empty()) return {TaskPhase::Loading, "", "", {}};
  return refused("ModelFailed", model.reason + ": " + model.message);
}

Verdict verdictAlone(const DesiredTask& task, const Policy& policy, const engine::Device& device,
                     const ModelTable& models, const JoinedClasses& joined) {
  if (const auto fault = faultOf(task)) return refused("InvalidTask", *fault);
  if (task.gpuUuid != device.uuid) {
    return refused("UnknownGpu", "this runtime has no GPU " + task.gpuUuid + "; it owns " + device.uuid);
  }
  if (task.context >= policy.partition.contexts) {
    return refused("UnknownContext", "context " + std::to_string(task.context) + " of " + device.uuid +
                                         " does not exist; it has " +
                                         std::to_string(policy.partition.contexts) + ", counted from 0");
  }
  if (const auto why = codeRefusal(device, policy, std::span(&task.nameSpace, 1)))
    return refused(kCodeNotAllowed, *why);
  return verdictOfModel(task, models, joined);
}

/// HP utilization booked so far, context by context.
class Bookings {
 public:
  explicit Bookings(const Policy& policy)
      : policy_(policy),
        booked_(policy.partition.contexts),
        least_(policy.partition.contexts),
        limit_(limitOf(policy)) {}

  /// What runs is not driven out by who comes or leaves, since fewer of a class may go together then: it is
  /// held against the limit by the least that it can be. Incumbents come before newcomers.
  void bookIncumbent(const DesiredTask& task, sched::Utilization util, sched::Utilization least,
                     Verdict& verdict) {
    if (fits(least_[task.context], least, task.context, verdict)) booked_[task.context] += util;
  }

  void bookNewcomer(const DesiredTask& task, sched::Utilization util, Verdict& verdict) {
    (void)fits(booked_[task.context], util, task.context, verdict);
  }

 private:
  static sched::Utilization limitOf(const Policy& policy) {
    const double share = policy.highPriorityUtilizationLimit * policy.partition.streams_per_context;
    return {static_cast<sched::Wide>(share * static_cast<double>(sched::kBillion) + 0.5)};
  }

  [[nodiscard]] bool fits(sched::Utilization& booked, sched::Utilization util, std::uint32_t context,
                          Verdict& verdict) const {
    if (booked + util > limit_) {
      verdict = refused("Overcommitted", words(booked, util, context));
      return false;
    }
    booked += util;
    return true;
  }

  [[nodiscard]] std::string words(sched::Utilization booked, sched::Utilization util,
                                  std::uint32_t context) const {
    return "HP load " + decimal(booked.toDouble()) + " + " + decimal(util.toDouble()) + " > " +
           decimal(limit_.toDouble()) + " on context " + std::to_string(context) + " (" +
           decimal(policy_.highPriorityUtilizationLimit) + " of " +
           std::to_string(policy_.partition.streams_per_context) + " streams)";
  }

  const Policy& policy_;
  std::vector<sched::Utilization> booked_;
  std::vector<sched::Utilization> least_;  // of incumbents
  sched::Utilization limit_;
};

void refuseDuplicateNames(const DesiredState& desired, std::vector<Verdict>& verdicts) {
  std::map<std::string, std::string_view> uids;
  for (std::size_t i = 0; i < desired.tasks.size(); ++i) {
    const DesiredTask& task = desired.tasks[i];
    const auto [first, inserted] = uids.emplace(servedName(task), task.uid);
    if (inserted) continue;
    verdicts[i] = refused("DuplicateName", task.nameSpace + "/" + task.name + " is also the task of uid " +
                                               std::string(first->second));
  }
}

}  // namespace

std::vector<Verdict> plan(const DesiredState& desired, const engine::Device& device, const ModelTable& models,
                          const JoinedClasses& joined, const std::set<std::string, std::less<>>& incumbents) {
  std::vector<Verdict> verdicts;
  for (const DesiredTask& task : desired.tasks) {
    verdicts.push_back(verdictAlone(task, desired.policy, device, models, joined));
  }
  refuseDuplicateNames(desired, verdicts);
  std::vector<PlannedTask> serving;
  for (std::size_t i = 0; i < verdicts.size(); ++i)
    if (verdicts[i].phase == TaskPhase::Serving) serving.push_back({desired.tasks[i], verdicts[i].afetUs});
  const JoinedLoad load(serving, joined, desired.policy.partition.contexts);
  Bookings bookings(desired.policy);
  for (const bool incumbent : {true, false}) {
    for (std::size_t i = 0; i < desired.tasks.size(); ++i) {
      const DesiredTask& task = desired.tasks[i];
      const bool books = task.priority == sched::Priority::High && verdicts[i].phase == TaskPhase::Serving;
      if (!books || incumbents.contains(task.uid) != incumbent) continue;
      const PlannedTask planned{task, verdicts[i].afetUs};
      const sched::Utilization util = load.utilizationOf(planned);
      if (incumbent) {
        bookings.bookIncumbent(task, util, load.leastUtilizationOf(planned), verdicts[i]);
      } else {
        bookings.bookNewcomer(task, util, verdicts[i]);
      }
    }
  }
  return verdicts;
}

std::optional<std::string> nextToMeasure(const DesiredState& desired, const ModelTable& models,
                                         const JoinedClasses& joined) {
  for (const DesiredTask& task : desired.tasks) {
    const auto found = models.find(task.modelDigest);
    if (found == models.end() || !isMeasurable(found->second)) continue;
    if (!bringsAfets(task, found->second) && joinedOf(task, joined) == nullptr) return task.modelDigest;
  }
  for (const DesiredModel& wanted : desired.models) {
    const auto found = models.find(wanted.digest);
    if (wanted.measure && found != models.end() && isMeasurable(found->second)) return wanted.digest;
  }
  return std::nullopt;
}

}  // namespace daris::runtime
