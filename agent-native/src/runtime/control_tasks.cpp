// Tasks towards desired state, and what is told of them.
#include <algorithm>
#include <numeric>

#include "runtime/control.hpp"
#include "runtime/desired_diff.hpp"

namespace daris::runtime {

// ---- Decide ----

std::vector<Verdict> Control::decide(const JoinedClasses& joined) {
  std::set<std::string, std::less<>> incumbents;
  for (const auto& [uid, running] : running_) incumbents.insert(uid);
  auto verdicts = plan(*desired_, engine_.device(), models_.table(), joined, incumbents);
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    const std::string& uid = desired_->tasks[i].uid;
    // What was started once goes on, also after its contexts were divided anew.
    if (isShared() && !statistics_.contains(uid))
      verdicts[i] = {TaskPhase::Refused, "ForeignSharing", gpu_->sharing, {}};
    const auto refused = refusedByScheduler_.find(uid);
    if (refused != refusedByScheduler_.end())
      verdicts[i] = {TaskPhase::Refused, "InvalidTask", refused->second, {}};
  }
  return verdicts;
}

/// A task that may run but has no slots yet is still loading; one whose slots cannot be made is refused.
Verdict Control::withSlots(const DesiredTask& task, Verdict verdict) const {
  if (verdict.phase != TaskPhase::Serving) return verdict;
  const ClassKey key{task.modelDigest, task.batchSize};
  switch (classes_.stateFor(key, task.priority, task.context)) {
    case Classes::State::Ready:
      verdict.message = classes_.remarksOn(key);
      return verdict;
    case Classes::State::Pending:
      return {TaskPhase::Loading, "", "", std::move(verdict.afetUs)};
    case Classes::State::Faulty:
      return {TaskPhase::Refused, "NoSlots", classes_.faultOf(key), {}};
  }
  return verdict;
}

// ---- Apply ----

void Control::reconcileTasks(const std::vector<Verdict>& planned) {
  std::vector<const DesiredTask*> wanted;
  std::vector<Verdict> verdicts;
  std::map<std::string, const DesiredTask*, std::less<>> running;
  for (const auto& [uid, entry] : running_) running.emplace(uid, &entry.task);
  for (std::size_t i = 0; i < planned.size(); ++i) {
    const DesiredTask& task = desired_->tasks[i];
    Verdict verdict = withSlots(task, planned[i]);
    const auto old = running.find(task.uid);
    const bool waits = verdict.phase == TaskPhase::Loading && old != running.end();
    tell(task, waits ? Verdict{TaskPhase::Serving, "", "", verdict.afetUs} : verdict);
    if (verdict.phase == TaskPhase::Refused || (verdict.phase == TaskPhase::Loading && !waits)) continue;
    wanted.push_back(waits ? old->second : &task);  // what runs goes on until the new terms can be had
    verdicts.push_back(std::move(verdict));
  }
  const Difference changes = difference(wanted, running);
  for (const std::string& uid : changes.removed) end(uid);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const Step step = stepOf(*wanted[i], changes.steps[i]);
    if (step != Step::Keep) start(*wanted[i], step, verdicts[i]);
  }
}

/// A task whose class has a successor goes over to it.
Step Control::stepOf(const DesiredTask& task, Step step) const {
  if (step != Step::Keep) return step;
  const ClassKey key{task.modelDigest, task.batchSize};
  if (running_.find(task.uid)->second.classId == classes_.idOf(key)) return Step::Keep;
  const bool ready = classes_.stateFor(key, task.priority, task.context) == Classes::State::Ready;
  return ready ? Step::Change : Step::Keep;
}

void Control::start(const DesiredTask& task, Step step, const Verdict& verdict) {
  if (step == Step::Change) {
    Running& running = running_.find(task.uid)->second;
    const bool moves = running.task.context != task.context;
    dispatcher_.post(ChangeTask{running.instance, termsOf(task, verdict, moves, running.instance)});
    running.task = task;
    running.classId = classes_.idOf(running.key);
    return;
  }
  if (step == Step::Replace) end(task.uid, true);
  const InstanceId instance = nextInstance_++;
  auto name = std::make_shared<const std::string>(task.nameSpace + "/" + task.name);
  names_.add(instance, name);
  dispatcher_.post(
      AddTask{instance, termsOf(task, verdict, true, instance), std::move(name), statisticsOf(task)});
  const ClassKey key{task.modelDigest, task.batchSize};
  running_[task.uid] = {instance, task, key, classes_.idOf(key)};
}

TaskTerms Control::termsOf(const DesiredTask& task, const Verdict& verdict, bool moves,
                           InstanceId instance) const {
  TaskTerms terms;
  terms.spec.priority = task.priority;
  terms.spec.periodUs = task.periodUs;
  terms.spec.deadlineUs = task.deadlineUs;
  terms.spec.afetUs = verdict.afetUs;
  terms.spec.lateJobs = task.lateJobs;
  terms.spec.releaseMode = task.release;
  terms.spec.releaseJitterUs = task.releaseJitterUs;
  terms.spec.classId = classes_.idOf({task.modelDigest, task.batchSize});
  terms.spec.order = instance;
  // A task that stays placed where it was keeps the context that the scheduler has moved it to.
  if (moves) terms.spec.context = sched::ContextRef{0, task.context};
  terms.offsetUs = task.offsetUs;
  return terms;
}

void Control::end(const std::string& uid, bool returns) {
  const auto found = running_.find(uid);
  const InstanceId instance = found->second.instance;
  draining_[instance] = uid;
  running_.erase(found);
  dispatcher_.post(RemoveTask{instance, returns});
}

void Control::handle(TaskEnded&& event) {
  names_.ended(event.instance);
  const std::scoped_lock lock(mutex_);
  const auto found = draining_.find(event.instance);
  if (found == draining_.end()) return;
  const std::string uid = found->second;
  draining_.erase(found);
  // Nobody else writes to the statistics now, and the event came after the last write.
  if (!running_.contains(uid)) figures_[uid].statistics = *statistics_[uid];
  reconcile();
}

void Control::handle(TaskRefused&& event) {
  names_.ended(event.instance);
  const std::scoped_lock lock(mutex_);
  for (const auto& [uid, running] : running_) {
    if (running.instance != event.instance) continue;
    refusedByScheduler_[uid] = event.message;
    end(std::string(uid));
    break;
  }
  reconcile();
}

// ---- Tell ----

void Control::tell(const DesiredTask& task, const Verdict& verdict) {
  const auto afetUs = std::accumulate(verdict.afetUs.begin(), verdict.afetUs.end(), DurationUs{0});
  told_[task.uid] = {verdict.phase, verdict.reason, verdict.message, afetUs};
  if (figures_.contains(task.uid)) return;
  TaskFigures& figures = figures_[task.uid];
  figures.context = task.context;
  figures.statistics = TaskStatistics(task.carried, task.carriedMigrations);
}

std::shared_ptr<TaskStatistics> Control::statisticsOf(const DesiredTask& task) {
  auto& statistics = statistics_[task.uid];
  if (!statistics) statistics = std::make_shared<TaskStatistics>(task.carried, task.carriedMigrations);
  return statistics;
}

void Control::forgetUndesired() {
  std::set<std::string_view> known;
  for (const DesiredTask& task : desired_->tasks) known.insert(task.uid);
  for (const auto& [instance, uid] : draining_) known.insert(uid);
  const auto unknown = [&](const auto& entry) { return !known.contains(entry.first); };
  std::erase_if(told_, unknown);
  std::erase_if(figures_, unknown);
  std::erase_if(statistics_, unknown);
  std::erase_if(refusedByScheduler_, unknown);
}

void Control::publishServing() {
  auto table = std::make_shared<ServingTable>();
  for (const DesiredTask& task : desired_->tasks) {
    const Told& told = told_[task.uid];
    ServedTask served;
    served.name = servedName(task);
    served.phase = told.phase;
    served.message = told.message;
    const auto found = running_.find(task.uid);
    if (found != running_.end()) {
      served.instance = found->second.instance;
      served.batch = found->second.key.second;
      served.model = models_.model(found->second.key.first);
    }
    table->emplace(served.name, std::move(served));
  }
  serving_.store(std::move(table));
}

// ---- Observe ----

void Control::takeFigures() {
  if (!dispatcher_.figures().refresh()) return;
  const Figures& newest = dispatcher_.figures().front();
  std::map<InstanceId, std::string_view> uids;
  for (const auto& [uid, running] : running_) uids.emplace(running.instance, uid);
  for (const TaskFigures& task : newest.tasks) {
    const auto uid = uids.find(task.instance);
    if (uid != uids.end()) figures_.find(uid->second)->second = task;
  }
  contexts_ = newest.contexts;
  capacities_ = newest.capacities;
  stageMretUs_ = newest.stageMretUs;
}

/// Where several classes run units of as many jobs, the longer time of each stage.
void Control::tellMrets(std::vector<ObservedModel>& models) const {
  const auto keys = classes_.keys();
  for (const sched::CapacitySnapshot& each : capacities_) {
    const auto key = keys.find(each.classId);
    if (key == keys.end()) continue;
    const auto& [digest, batch] = key->second;
    const auto model = std::ranges::find(models, digest, &ObservedModel::digest);
    if (model == models.end()) continue;
    const auto timing = std::ranges::find(model->batches, batch * each.jobs, &BatchTiming::size);
    if (timing == model->batches.end()) continue;
    std::vector<DurationUs>& told = timing->stageMretUs;
    told.resize(each.stageCount, 0);
    for (std::uint32_t stage = 0; stage < each.stageCount; ++stage)
      told[stage] = std::max(told[stage], stageMretUs_[each.firstStage + stage]);
  }
}

ObservedTask Control::observeTask(const DesiredTask& task) const {
  const Told& told = told_.find(task.uid)->second;
  const auto running = running_.find(task.uid);
  const TaskFigures& figures = figures_.find(task.uid)->second;
  ObservedTask observed;
  observed.uid = task.uid;
  observed.epoch = running == running_.end() ? task.epoch : running->second.task.epoch;
  observed.phase = told.phase;
  observed.reason = told.reason;
  observed.message = told.message;
  observed.context = running == running_.end() ? task.context : figures.context;
  observed.afetUs = told.afetUs;
  observed.mretUs = figures.mretUs;
  observed.utilizationE9 = figures.utilizationE9;
  observed.capacity = figures.capacity;
  observed.statistics = figures.statistics;
  return observed;
}

/// Whether the contexts of the last figures are those that are wanted. Before, while what runs ends for
/// another partition, those of the former one are no more to be had; and the first figures after it may still
/// be of it.
bool Control::divided() const {
  if (partitioning_ || !policy_ || policy_->partition != desired_->policy.partition) return false;
  const std::uint32_t streams = policy_->partition.streams_per_context;
  const auto isNew = [streams](const ContextFigures& each) { return each.scheduler.streams == streams; };
  return contexts_.size() == policy_->partition.contexts && std::ranges::all_of(contexts_, isNew);
}

ObservedState Control::observe() {
  const std::scoped_lock lock(mutex_);
  takeFigures();
  ObservedState state;
  state.wallUs = clock_.wallUs();
  state.gpuUuid = engine_.device().uuid;
  state.gpu = gpu_;
  if (!desired_) return state;
  state.appliedGeneration = desired_->generation;
  state.partitionFault = partitionFault_;
  for (const auto& [digest, model] : models_.table()) state.models.push_back(model);
  tellMrets(state.models);
  for (const DesiredTask& task : desired_->tasks) state.tasks.push_back(observeTask(task));
  if (!divided()) return state;
  for (const ContextFigures& figures : contexts_) {
    const sched::ContextSnapshot& context = figures.scheduler;
    const std::uint32_t index = context.context.index;
    const auto e9 = [](sched::Utilization util) { return static_cast<std::int64_t>(util.billionths); };
    // Active as in eq. 7: all of HP, and LP with a job released and not finished.
    const engine::Context& has = engine_.contexts()[index];
    state.contexts.push_back({index, has.units, has.wanted == 0 ? has.units : has.wanted, context.streams,
                              e9(context.highTotal), e9(context.lowTotal),
                              e9(context.highTotal + context.lowActive), figures.busyUs});
  }
  return state;
}

}  // namespace daris::runtime
