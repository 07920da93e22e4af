// Changes of the online phase while it runs: tasks, slots, policy, partition. They may allocate.
#include <algorithm>
#include <cassert>

#include "runtime/online_phase.hpp"

namespace daris::runtime {

void OnlinePhase::apply(Command&& command) {
  std::visit([this](auto&& change) { on(std::move(change)); }, std::move(command));
}

// ---- Requests ----

void OnlinePhase::on(RequestPtr&& request) {
  TaskRecord* record = find(request->instance);
  const bool gone = request->abandoned.load(std::memory_order_relaxed);
  if (record == nullptr || draining_) {
    answer(std::move(request), Answer::Ended);
  } else if (gone || clock_.steadyUs() >= request->clientDeadlineUs) {
    answer(std::move(request), Answer::Cancelled);
  } else if (record->mode == sched::ReleaseMode::Periodic) {
    renew(*record, std::move(request));
  } else {
    auto outcome = scheduler_->request(record->id, request->sequence, clock_.steadyUs());
    assert(outcome.ok());
    record->statistics->released(*outcome, clock_.wallUs());
    decided(*record, *outcome, std::move(request));
  }
}

/// A request that runs, has ended or is a periodic task's input goes on as if its client were there.
void OnlinePhase::on(Withdraw&& command) {
  TaskRecord* record = find(command.instance);
  if (record == nullptr || !record->waiting || record->waiting->sequence != command.sequence) return;
  [[maybe_unused]] const auto taken = scheduler_->withdraw(record->id, command.sequence, clock_.steadyUs());
  assert(taken.ok());
  withdrawn(*record, Answer::Cancelled);
}

/// The scheduler has let go of the waiting request.
void OnlinePhase::withdrawn(TaskRecord& record, Answer kind) {
  record.statistics->withdrawn();
  answer(std::move(record.waiting), kind);
}

void OnlinePhase::renew(TaskRecord& record, RequestPtr request) {
  dropNewest(record, Answer::Superseded);
  record.newest = std::move(request);
}

// ---- Tasks ----

TaskRecord* OnlinePhase::find(InstanceId instance) {
  const auto found = records_.find(instance);
  return found == records_.end() || found->second.removed ? nullptr : &found->second;
}

void OnlinePhase::takeTerms(TaskRecord& record, const TaskTerms& terms) {
  const bool sameMode = record.mode == terms.spec.releaseMode;
  record.priority = terms.spec.priority;
  record.mode = terms.spec.releaseMode;
  record.deadlineUs = terms.spec.deadlineUs;
  record.stages = static_cast<std::uint32_t>(terms.spec.afetUs.size());
  if (record.mode == sched::ReleaseMode::OnRequest) dropNewest(record, Answer::Ended);
  const ReleaseGrid grid(terms.spec.periodUs, terms.offsetUs);
  if (sameMode && grid == record.grid) return;  // a point that is due now must not be lost
  record.grid = grid;
  record.dueUs = grid.firstFrom(clock_.steadyUs(), wallMinusSteadyUs());
  record.lastUs = record.dueUs - terms.spec.periodUs;
}

/// A task that was taken away and is back: no release was made in between, and each that was due counts.
void OnlinePhase::skipWhileAway(TaskRecord& record) {
  const auto dueUs = record.statistics->returns();
  const TimeUs before = clock_.steadyUs() - 1;  // a point that is due now will be released
  if (!dueUs || *dueUs > before || record.mode != sched::ReleaseMode::Periodic) return;
  record.statistics->omitted(record.grid.latest(*dueUs, before, wallMinusSteadyUs()).omitted + 1);
}

/// Lets go of the newest client input; who waits for a job with it is told.
void OnlinePhase::dropNewest(TaskRecord& record, Answer kind) {
  RequestPtr input = std::move(record.newest);
  if (!input) return;
  const bool used = record.active && record.job.input == input;
  if (!input->assigned) answer(input, kind);
  if (!used) discard(std::move(input));
}

void OnlinePhase::on(AddTask&& command) {
  const auto pool = pools_.find(command.terms.spec.classId);
  assert(pool != pools_.end());
  auto added = scheduler_->addTask(command.terms.spec, clock_.steadyUs());
  if (!added.ok()) {
    events_.send(TaskRefused{command.instance, std::string(added.error().what)});
    return;
  }
  TaskRecord& record = records_[command.instance];
  record.instance = command.instance;
  record.id = added->task;
  record.name = std::move(command.name);
  record.statistics = std::move(command.statistics);
  record.pool = &pool->second;
  takeTerms(record, command.terms);
  skipWhileAway(record);
  if (byIndex_.size() <= record.id.index) byIndex_.resize(record.id.index + 1, nullptr);
  byIndex_[record.id.index] = &record;
  scheduleReleases();
}

void OnlinePhase::on(ChangeTask&& command) {
  TaskRecord* record = find(command.instance);
  if (record == nullptr) return;
  auto changed = scheduler_->changeTask(record->id, command.terms.spec, clock_.steadyUs());
  if (!changed.ok()) {
    events_.send(TaskRefused{command.instance, std::string(changed.error().what)});
    return;
  }
  if (changed->cancelled) withdrawn(*record, Answer::Ended);
  record->nextPool = &pools_.find(command.terms.spec.classId)->second;
  if (!changed->deferred) goOver(*record);
  takeTerms(*record, command.terms);
  scheduleReleases();
}

void OnlinePhase::on(RemoveTask&& command) {
  TaskRecord* record = find(command.instance);
  if (record == nullptr) return;
  auto removed = scheduler_->removeTask(record->id, clock_.steadyUs());
  assert(removed.ok());
  if (removed->cancelled) withdrawn(*record, Answer::Ended);
  record->removed = true;
  if (command.returns && record->mode == sched::ReleaseMode::Periodic)
    record->statistics->leaves(record->dueUs);
  dropNewest(*record, Answer::Ended);
  if (!removed->draining) forget(*record);
  scheduleReleases();
}

void OnlinePhase::forget(TaskRecord& record) {
  const InstanceId instance = record.instance;
  SlotPool& pool = *record.pool;
  byIndex_[record.id.index] = nullptr;
  records_.erase(instance);
  events_.send(TaskEnded{instance});
  retireIfIdle(pool);
}

// ---- Slots ----

void OnlinePhase::on(SetCapacities&& command) {
  [[maybe_unused]] const auto set =
      scheduler_->setCapacities(command.classId, command.capacities, clock_.steadyUs());
  assert(set.ok());
  joinable_.push_back(command.classId);
}

void OnlinePhase::on(AddSlots&& command) {
  const std::uint32_t contexts = config_.gpus.front().contexts;
  const auto [found, inserted] = pools_.try_emplace(command.classId, command.classId, contexts, command.batch,
                                                    std::move(command.sample));
  SlotPool& pool = found->second;
  for (auto& slot : command.slots) pool.add(std::move(slot));
  for (std::uint32_t index = 0; index < contexts; ++index) {
    [[maybe_unused]] const auto set =
        scheduler_->setSlots(command.classId, {0, index}, pool.size(index), clock_.steadyUs());
    assert(set.ok());
  }
}

void OnlinePhase::on(RetireClass&& command) {
  const auto found = pools_.find(command.classId);
  if (found == pools_.end()) {
    events_.send(ClassRetired{command.classId, {}});
    return;
  }
  retiring_.push_back(command.classId);
  retireIfIdle(found->second);
}

void OnlinePhase::retireIfIdle(SlotPool& pool) {
  const sched::ClassId classId = pool.classId();
  const auto wanted = std::ranges::find(retiring_, classId);
  const bool used = std::ranges::any_of(records_, [&](const auto& entry) {
    return entry.second.pool == &pool || entry.second.nextPool == &pool;
  });
  if (wanted == retiring_.end() || used) return;
  retiring_.erase(wanted);
  for (std::uint32_t index = 0; index < pool.contexts(); ++index) {
    [[maybe_unused]] const auto set =
        scheduler_->setSlots(classId, {0, index}, sched::kUnlimitedSlots, clock_.steadyUs());
    assert(set.ok());
  }
  if (std::erase(joinable_, classId) > 0) {
    [[maybe_unused]] const auto set = scheduler_->setCapacities(classId, {}, clock_.steadyUs());
    assert(set.ok());
  }
  ClassRetired retired{classId, pool.empty()};
  pools_.erase(classId);
  events_.send(std::move(retired));
}

// ---- Policy and partition ----

void OnlinePhase::on(ChangePolicy&& command) {
  config_.policy = command.policy;
  [[maybe_unused]] const auto configured = scheduler_->configure(config_, clock_.steadyUs());
  assert(configured.ok());
}

void OnlinePhase::on(Repartition&& command) {
  assert(records_.empty() && pools_.empty());
  command.entered->set_value();
  try {
    if (command.divided.get()) return;  // as before
  } catch (const std::future_error&) {
    return;  // the loader was stopped
  }
  const sched::GpuConfig gpu{command.units, command.partition.contexts, command.partition.streams_per_context,
                             command.partition.oversubscription};
  config_ = {{gpu}, command.policy};
  auto scheduler = trace::RecordedScheduler::create(config_, ring_, clock_.steadyUs());
  assert(scheduler.ok());  // check(DesiredState) has the same bounds
  scheduler_.emplace(std::move(scheduler.value()));
  joinable_.clear();
  busyUs_.assign(command.partition.contexts, 0);
  byIndex_.clear();
}

void OnlinePhase::on(Drain&&) {
  draining_ = true;
  for (auto& [instance, record] : records_) {
    if (record.newest && !record.newest->assigned) answer(record.newest, Answer::Ended);
  }
}

// ---- Looking ----

/// Over what was there before: little of a task's statistics changes from one time to the next.
void OnlinePhase::observeTasks(Figures& out) {
  std::size_t count = 0;
  for (const TaskRecord* record : byIndex_) {
    if (record == nullptr || record->removed) continue;
    if (count == out.tasks.size()) out.tasks.emplace_back();
    TaskFigures& task = out.tasks[count++];
    const sched::TaskTotals totals = *scheduler_->totals(record->id);
    task.instance = record->instance;
    task.context = totals.context.index;
    task.mretUs = totals.mretUs;
    task.utilizationE9 = static_cast<std::int64_t>(totals.util.billionths);
    task.capacity = totals.capacity;
    task.statistics = *record->statistics;
  }
  out.tasks.resize(count);
}

void OnlinePhase::observe(Figures& out) {
  out.contexts.resize(0);
  out.capacities.resize(0);
  observeTasks(out);
  if (!scheduler_) return;
  scheduler_->snapshotContexts(snapshot_);
  for (const sched::ContextSnapshot& context : snapshot_.contexts) {
    out.contexts.push_back({context, busyUs_[context.context.index]});
  }
  out.capacities = snapshot_.capacities;
  out.stageMretUs = snapshot_.stageMretUs;
}

}  // namespace daris::runtime
