#include "trace/recorded_scheduler.hpp"

#include <algorithm>

namespace daris::trace {

namespace {

std::int64_t clamped(sched::Wide value) {
  return static_cast<std::int64_t>(std::clamp<sched::Wide>(value, INT64_MIN, INT64_MAX));
}

std::int64_t clamped(sched::Utilization util) {
  return clamped(util.billionths);
}

Record::Add termsOf(const sched::TaskSpec& spec) {
  Record::Add add{};
  add.periodUs = spec.periodUs;
  add.deadlineUs = spec.deadlineUs;
  add.jitterUs = spec.releaseJitterUs.value_or(0);
  add.classId = spec.classId;
  add.high = spec.priority == sched::Priority::High;
  add.drop = spec.lateJobs == sched::LateJobs::Drop;
  add.onRequest = spec.releaseMode == sched::ReleaseMode::OnRequest;
  add.jitterGiven = spec.releaseJitterUs.has_value();
  add.placed = spec.context.has_value();
  return add;
}

std::uint8_t codeOf(const sched::Error& error) {
  return static_cast<std::uint8_t>(static_cast<std::uint8_t>(error.code) + 1);
}

void place(Record& record, sched::ContextRef context) {
  record.gpu = static_cast<std::uint16_t>(context.gpu);
  record.context = context.index;
}

}  // namespace

// ---- Changes ----

sched::Outcome<RecordedScheduler> RecordedScheduler::create(const sched::Config& config, Ring& ring,
                                                            TimeUs now) {
  auto scheduler = sched::Scheduler::create(config);
  if (!scheduler.ok()) return scheduler.error();
  RecordedScheduler recorded(std::move(scheduler.value()), ring);
  recorded.configured(Kind::Start, config, now);
  return recorded;
}

sched::Outcome<Done> RecordedScheduler::configure(const sched::Config& config, TimeUs now) {
  auto outcome = scheduler_.configure(config, now);
  if (outcome.ok()) configured(Kind::Configure, config, now);
  return outcome;
}

void RecordedScheduler::configured(Kind kind, const sched::Config& config, TimeUs now) {
  quiet_.resize(std::max(quiet_.size(), config.gpus.size()));
  for (std::size_t i = 0; i < config.gpus.size(); ++i) {
    const sched::GpuConfig& gpu = config.gpus[i];
    Record record = start(Kind::Gpu, now, {});
    record.gpuDetail = {gpu.oversubscription, gpu.smCount, gpu.contexts, gpu.streamsPerContext};
    ring_->write(record);
    quiet_[i].resize(std::max<std::size_t>(quiet_[i].size(), gpu.contexts));
  }
  const sched::Policy& policy = config.policy;
  Record record = start(kind, now, {});
  record.configure = {.gpus = static_cast<std::uint32_t>(config.gpus.size()),
                      .mretWindow = policy.mretWindow,
                      .mretAging = policy.mretAging,
                      .predicted = policy.admission == sched::Admission::Predicted,
                      .highPriorityAdmission = policy.highPriorityAdmission,
                      .staging = policy.staging,
                      .lastStageBoost = policy.lastStageBoost,
                      .missBoost = policy.missBoost,
                      .fixedPriorities = policy.fixedPriorities,
                      .joining = policy.joining};
  ring_->write(record);
  wakeAll();
}

sched::Outcome<sched::Added> RecordedScheduler::addTask(const sched::TaskSpec& spec, TimeUs now) {
  auto outcome = scheduler_.addTask(spec, now);
  stages(spec, spec.order, now);
  Record record = start(Kind::Add, now, {});
  record.task = spec.order;
  record.add = termsOf(spec);
  record.stage = static_cast<std::uint32_t>(spec.afetUs.size());
  if (outcome.ok()) {
    know(outcome->task, spec.order);
    place(record, outcome->context);
    record.add.util = clamped(outcome->util);
    record.add.total = clamped(outcome->total);
  } else {
    if (spec.context) place(record, *spec.context);
    record.add.error = codeOf(outcome.error());
  }
  ring_->write(record);
  wakeAll();
  return outcome;
}

sched::Outcome<sched::Changed> RecordedScheduler::changeTask(sched::TaskId task, const sched::TaskSpec& spec,
                                                             TimeUs now) {
  auto outcome = scheduler_.changeTask(task, spec, now);
  stages(spec, spec.order, now);
  Record record = start(Kind::Change, now, task);
  record.add = termsOf(spec);
  record.stage = static_cast<std::uint32_t>(spec.afetUs.size());
  if (spec.context) place(record, *spec.context);
  if (outcome.ok()) {
    record.add.deferred = outcome->deferred;
    record.add.cancelled = outcome->cancelled.has_value();
  } else {
    record.add.error = codeOf(outcome.error());
  }
  ring_->write(record);
  wakeAll();
  return outcome;
}

sched::Outcome<sched::Removed> RecordedScheduler::removeTask(sched::TaskId task, TimeUs now) {
  auto outcome = scheduler_.removeTask(task, now);
  if (!outcome.ok()) return outcome;
  Record record = start(Kind::Remove, now, task);
  record.remove = {outcome->draining, outcome->cancelled.has_value()};
  ring_->write(record);
  wakeAll();
  return outcome;
}

sched::Outcome<Done> RecordedScheduler::setCapacities(sched::ClassId classId,
                                                      std::span<const sched::Capacity> capacities,
                                                      TimeUs now) {
  auto outcome = scheduler_.setCapacities(classId, capacities);
  if (!outcome.ok()) return outcome;
  for (const sched::Capacity& capacity : capacities) {
    Record stage = start(Kind::Stage, now, {});
    stage.job = capacity.jobs;
    for (const DurationUs afetUs : capacity.afetUs) {
      stage.stageDetail = {afetUs};
      ring_->write(stage);
      ++stage.stage;
    }
  }
  Record record = start(Kind::Capacities, now, {});
  record.capacities = {classId};
  ring_->write(record);
  wakeAll();
  return outcome;
}

sched::Outcome<Done> RecordedScheduler::setSlots(sched::ClassId classId, sched::ContextRef context,
                                                 std::uint32_t slots, TimeUs now) {
  auto outcome = scheduler_.setSlots(classId, context, slots);
  if (!outcome.ok()) return outcome;
  Record record = start(Kind::Slots, now, {});
  place(record, context);
  record.slots = {classId, slots};
  ring_->write(record);
  wakeAll();
  return outcome;
}

// ---- Releases ----

sched::Outcome<sched::ReleaseOutcome> RecordedScheduler::release(sched::TaskId task,
                                                                 const sched::Release& release, TimeUs now) {
  auto outcome = scheduler_.release(task, release, now);
  if (outcome.ok()) released(Kind::Release, task, *outcome, release.releaseUs, now);
  return outcome;
}

sched::Outcome<sched::ReleaseOutcome> RecordedScheduler::request(sched::TaskId task, sched::Token token,
                                                                 TimeUs now) {
  auto outcome = scheduler_.request(task, token, now);
  if (outcome.ok()) released(Kind::Request, task, *outcome, now, now);
  return outcome;
}

sched::Outcome<Done> RecordedScheduler::withdraw(sched::TaskId task, sched::Token token, TimeUs now) {
  auto outcome = scheduler_.withdraw(task, token);
  if (!outcome.ok()) return outcome;
  Record record = start(Kind::Withdraw, now, task);
  record.release = {now, token, false};
  ring_->write(record);
  return outcome;
}

void RecordedScheduler::released(Kind kind, sched::TaskId task, const sched::ReleaseOutcome& outcome,
                                 TimeUs nominalUs, TimeUs now) {
  Record record = start(kind, now, task);
  record.job = outcome.number;
  record.release = {nominalUs, outcome.token, outcome.decision != sched::Decision::Early};
  ring_->write(record);
  decided(task, outcome, now);
}

void RecordedScheduler::decided(sched::TaskId task, const sched::ReleaseOutcome& outcome, TimeUs now) {
  if (outcome.decision == sched::Decision::Admitted) return admitted(task, outcome, now);
  if (outcome.decision == sched::Decision::Rejected) return rejected(task, outcome, now);
  Record record = start(Kind::Skip, now, task);
  record.job = outcome.number;
  switch (outcome.decision) {
    case sched::Decision::Admitted:
    case sched::Decision::Rejected:
    case sched::Decision::Skipped:
      break;
    case sched::Decision::Early:
      record.kind = Kind::Early;
      record.early = {outcome.retryAtUs};
      break;
    case sched::Decision::Waiting:
      record.kind = Kind::Waiting;
      record.waiting = {outcome.superseded.value_or(0), outcome.superseded.has_value()};
      break;
  }
  ring_->write(record);
}

void RecordedScheduler::admitted(sched::TaskId task, const sched::ReleaseOutcome& outcome, TimeUs now) {
  wake(outcome.context);
  Record record = start(Kind::Admit, now, task);
  record.job = outcome.number;
  place(record, outcome.context);
  if (outcome.migratedFrom) {
    record.kind = Kind::Migrate;
    const sched::PredictedFinish& predicted = *outcome.admittedBy->predicted;
    record.migrate = {clamped(predicted.scaledUs), predicted.streams, outcome.migratedFrom->index};
    ring_->write(record);
    record.kind = Kind::Admit;
  }
  record.admit = {clamped(outcome.util), 0, 0, outcome.deadlineUs, outcome.admittedBy != nullptr};
  if (outcome.admittedBy) {
    record.admit.active = clamped(outcome.admittedBy->active);
    record.admit.remaining = clamped(outcome.admittedBy->remaining);
  }
  ring_->write(record);
}

void RecordedScheduler::rejected(sched::TaskId task, const sched::ReleaseOutcome& outcome, TimeUs now) {
  Record record = start(Kind::Terms, now, task);
  record.job = outcome.number;
  for (const sched::AdmissionTerms& terms : outcome.tested) {
    place(record, terms.context);
    const auto& predicted = terms.predicted;
    record.terms = {clamped(terms.active), clamped(terms.remaining),
                    predicted ? clamped(predicted->scaledUs) : 0, predicted ? predicted->streams : 0,
                    terms.passes};
    ring_->write(record);
  }
  record.kind = Kind::Reject;
  record.reject = {clamped(outcome.util), outcome.deadlineUs,
                   static_cast<std::uint32_t>(outcome.tested.size())};
  ring_->write(record);
}

// ---- Stages ----

sched::Outcome<sched::Next> RecordedScheduler::next(sched::ContextRef context, TimeUs now) {
  auto outcome = scheduler_.next(context, now);
  if (!outcome.ok()) return outcome;
  switch (outcome->kind) {
    case sched::NextKind::Idle:
      idle(context, now);
      break;
    case sched::NextKind::Run:
      dispatched(outcome->run, now);
      break;
    case sched::NextKind::Drop:
      ended(Kind::Drop, outcome->dropped, context, now);
      break;
  }
  return outcome;
}

/// The runtime asks all contexts after each event; only the answer that something depended on is told.
void RecordedScheduler::idle(sched::ContextRef context, TimeUs now) {
  std::uint8_t& quiet = quiet_[context.gpu][context.index];
  if (quiet != 0) return;
  quiet = 1;
  Record record = start(Kind::Idle, now, {});
  place(record, context);
  ring_->write(record);
}

void RecordedScheduler::dispatched(const sched::Dispatch& run, TimeUs now) {
  wake(run.context);
  Record record = start(Kind::Dispatch, now, {});
  record.stage = run.stage;
  record.stream = run.stream;
  place(record, run.context);
  record.dispatch = {0, static_cast<std::uint16_t>(run.members.size()),
                     static_cast<std::uint16_t>(run.capacity), run.level};
  for (const sched::UnitMember& member : run.members) {
    record.task = orderHere(member.task);
    record.job = member.number;
    record.dispatch.virtualDeadlineUs = member.virtualDeadlineUs;
    ring_->write(record);
  }
}

sched::Outcome<sched::StageCompletion> RecordedScheduler::complete(sched::UnitId unit,
                                                                   sched::StageIndex stage, DurationUs execUs,
                                                                   TimeUs now) {
  auto outcome = scheduler_.complete(unit, stage, execUs, now);
  if (outcome.ok()) completed(Kind::Complete, *outcome, execUs, now);
  return outcome;
}

sched::Outcome<sched::StageCompletion> RecordedScheduler::fail(sched::UnitId unit, sched::StageIndex stage,
                                                               TimeUs now) {
  auto outcome = scheduler_.fail(unit, stage, now);
  if (outcome.ok()) completed(Kind::Fail, *outcome, 0, now);
  return outcome;
}

void RecordedScheduler::completed(Kind kind, const sched::StageCompletion& done, DurationUs execUs,
                                  TimeUs now) {
  wake(done.context);
  Record record = start(kind, now, {});
  record.stage = done.stage;
  record.stream = done.stream;
  place(record, done.context);
  record.complete = {execUs, done.members.front().mretUs, false};
  for (const sched::MemberCompletion& member : done.members) {
    record.task = orderHere(member.task);
    record.job = member.number;
    record.complete.missed = member.missedVirtualDeadline;
    ring_->write(record);
  }
  if (!done.finished) return;
  for (const sched::MemberCompletion& member : done.members)
    ended(Kind::Finish, *member.end, done.context, now);
}

void RecordedScheduler::ended(Kind kind, const sched::JobEnd& end, sched::ContextRef context, TimeUs now) {
  wake(context);
  Record record = start(kind, now, end.task);
  record.job = end.number;
  record.stage = end.stage;
  place(record, context);
  record.finish = {.responseUs = end.responseUs,
                   .lateUs = end.lateUs,
                   .behindUs = end.behindUs,
                   .behind = end.behind ? orderOf(*end.behind) : kNoTask,
                   .cause = end.cause,
                   .end = end.end,
                   .missed = end.missed};
  ring_->write(record);
  if (end.next) decided(end.task, *end.next, now);
}

// ---- What records say ----

Record RecordedScheduler::start(Kind kind, TimeUs now, sched::TaskId task) const {
  Record record;
  record.nowUs = now;
  record.kind = kind;
  record.task = orderOf(task);
  return record;
}

void RecordedScheduler::stages(const sched::TaskSpec& spec, std::uint64_t task, TimeUs now) {
  Record record = start(Kind::Stage, now, {});
  record.task = task;
  for (const DurationUs afetUs : spec.afetUs) {
    record.stageDetail = {afetUs};
    ring_->write(record);
    ++record.stage;
  }
}

void RecordedScheduler::know(sched::TaskId id, std::uint64_t order) {
  if (known_.size() <= id.index) known_.resize(id.index + 1);
  known_[id.index] = {id.generation, order};
}

std::uint64_t RecordedScheduler::orderOf(sched::TaskId id) const {
  const bool here = id.index < known_.size() && known_[id.index].generation == id.generation;
  return here ? known_[id.index].order : kNoTask;
}

void RecordedScheduler::wakeAll() {
  for (auto& contexts : quiet_) std::ranges::fill(contexts, 0);
}

}  // namespace daris::trace
