// The per-stage path of the online phase: releases, dispatch, completions, ends.
#include "runtime/online_phase.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace daris::runtime {

namespace {

/// The value of a call that only a bug of ours can make fail.
template <typename T>
T& must(sched::Outcome<T>& outcome) {
  assert(outcome.ok());
  return outcome.value();
}

/// A wall clock that moved by less than this was slewed, not stepped.
constexpr std::int64_t kStepUs = 1000;

/// What a job computes on; null: what its slot holds.
engine::JobMemory* memoryOf(const TaskRecord& record) {
  return record.job.input ? record.job.input->memory.get() : record.pool->sample();
}

}  // namespace

OnlinePhase::OnlinePhase(engine::Engine& engine, const Clock& clock, Channel<Event>& events,
                         trace::Ring& ring)
    : engine_(engine), clock_(clock), events_(events), ring_(ring) {}

// ---- Releases ----

bool OnlinePhase::releaseDue() {
  const TimeUs now = clock_.steadyUs();
  if (now < nextReleaseUs()) return false;
  const std::int64_t wallUs = clock_.wallUs();
  const std::int64_t ahead = wallUs - now;
  for (TaskRecord* record : releases_.takeDue(now)) {
    const ReleaseGrid::Point point = record->grid.latest(record->dueUs, now, ahead);
    if (point.omitted > 0) record->statistics->omitted(point.omitted);
    release(*record, point.atUs, now, wallUs);
    record->lastUs = point.atUs;
    record->dueUs = record->grid.after(point.atUs, ahead);
  }
  releases_.putBack();
  return true;
}

/// However late this thread woke, the job counts from the grid's point.
void OnlinePhase::release(TaskRecord& record, TimeUs pointUs, TimeUs now, std::int64_t wallUs) {
  RequestPtr input = record.newest;
  const bool asked = input && !input->answered && !input->assigned;
  const sched::Release due{asked ? input->sequence : 0, pointUs};
  auto outcome = scheduler_->release(record.id, due, now);
  record.statistics->released(must(outcome), wallUs);
  decided(record, *outcome, std::move(input));
}

void OnlinePhase::decided(TaskRecord& record, const sched::ReleaseOutcome& outcome, RequestPtr request) {
  switch (outcome.decision) {
    case sched::Decision::Admitted:
      admitted(record, outcome, std::move(request));
      break;
    case sched::Decision::Rejected:
      if (request && !request->answered) reject(std::move(request), record, outcome);
      break;
    case sched::Decision::Skipped:
      break;  // a periodic task keeps its newest input for the next release
    case sched::Decision::Early:
      request->outcome.retryAfterUs = outcome.retryAtUs - clock_.steadyUs();
      answer(std::move(request), Answer::Early);
      break;
    case sched::Decision::Waiting:
      if (record.waiting) answer(std::move(record.waiting), Answer::Superseded);
      record.waiting = std::move(request);
      break;
  }
}

void OnlinePhase::admitted(TaskRecord& record, const sched::ReleaseOutcome& outcome, RequestPtr request) {
  ++activeJobs_;
  record.active = true;
  record.job = ActiveJob{};
  record.job.deadlineUs = outcome.deadlineUs;
  record.job.context = outcome.context.index;
  if (request && !request->answered) {
    request->assigned = true;
    record.job.client = request;
  }
  record.job.input = std::move(request);
}

/// After any change of who is due when.
void OnlinePhase::scheduleReleases() {
  std::vector<TaskRecord*> periodic;
  for (auto& [instance, record] : records_) {
    if (record.mode == sched::ReleaseMode::Periodic && !record.removed) periodic.push_back(&record);
  }
  releases_.fill(periodic);
}

void OnlinePhase::realign() {
  const std::int64_t ahead = wallMinusSteadyUs();
  if (std::abs(ahead - alignedToUs_) < kStepUs) return;
  alignedToUs_ = ahead;
  for (auto& [instance, record] : records_) {
    if (record.mode == sched::ReleaseMode::Periodic) record.dueUs = record.grid.after(record.lastUs, ahead);
  }
  scheduleReleases();
}

// ---- Stages ----

void OnlinePhase::dispatch() {
  if (!scheduler_) return;
  const std::uint32_t contexts = config_.gpus.front().contexts;
  bool again = true;
  while (again) {
    again = false;
    for (std::uint32_t index = 0; index < contexts; ++index) {
      for (;;) {
        auto next = scheduler_->next({0, index}, clock_.steadyUs());
        const sched::NextKind kind = must(next).kind;
        if (kind == sched::NextKind::Idle) break;
        if (kind == sched::NextKind::Run) {
          launch(next->run);
        } else {
          // The end of a late job may release a waiting request into a context that was looked at before.
          again = true;
          TaskRecord& record = recordOf(next->dropped.task);
          ended(record, next->dropped, record.job.executedUs, nullptr);
        }
      }
    }
  }
}

void OnlinePhase::launch(const sched::Dispatch& run) {
  TaskRecord& first = recordOf(run.members.front().task);
  if (run.first) gather(run);
  first.job.unit = run.unit;
  first.job.dispatchedUs = clock_.steadyUs();
  engine_.launch({.slot = first.job.slot->slot.get(),
                  .stage = run.stage,
                  .stream = run.stream,
                  .tag = first.id.index,
                  .urgency = first.job.urgency,
                  .form = first.job.form});
}

/// The jobs of a unit get a slot, each a place in it. What all of them share is looked up now, once.
void OnlinePhase::gather(const sched::Dispatch& run) {
  TaskRecord& first = recordOf(run.members.front().task);
  const engine::JobMemory* leads = memoryOf(first);
  PooledSlot& slot = *first.pool->take(run.context.index, leads == nullptr ? 0 : leads->id());
  first.job.slot = &slot;
  first.job.form = first.pool->formOf(slot, run.capacity);
  if (leads != nullptr) slot.firstHolds = leads->id();
  first.job.jobs = static_cast<std::uint32_t>(run.members.size());
  bool high = false;
  TaskRecord* last = nullptr;
  std::uint32_t place = 0;
  for (const sched::UnitMember& member : run.members) {
    TaskRecord& record = recordOf(member.task);
    record.statistics->started(run.members.size());
    high = high || record.priority == sched::Priority::High;
    if (last != nullptr) last->job.next = &record;
    last = &record;
    if (engine::JobMemory* memory = memoryOf(record))
      slot.slot->seat(place, *memory, record.job.client != nullptr);
    ++place;
  }
  const engine::Urgency urgent = last == &first ? engine::Urgency::Urgent : engine::Urgency::High;
  first.job.urgency = high ? urgent : engine::Urgency::Low;
}

/// Outputs, for those whose clients wait.
void OnlinePhase::collect(const TaskRecord& first) {
  std::uint32_t place = 0;
  for (const TaskRecord* record = &first; record != nullptr; record = record->job.next, ++place)
    if (record->job.client) first.job.slot->slot->collect(place, *record->job.client->memory);
}

void OnlinePhase::completed(const engine::Completion& completion) {
  TaskRecord& first = *byIndex_[completion.tag];
  ActiveJob& job = first.job;
  const DurationUs ranUs = std::max<DurationUs>(completion.finished_us - completion.started_us, 0);
  busyUs_[completion.context] += static_cast<std::uint64_t>(ranUs);
  job.executedUs += ranUs / job.jobs;
  if (completion.error != nullptr) {
    auto failed = scheduler_->fail(job.unit, completion.stage, clock_.steadyUs());
    return tellEnds(must(failed), job.executedUs, completion.error);
  }
  if (completion.stage + 1 == first.stages) collect(first);
  const TimeUs now = clock_.steadyUs();
  const DurationUs execUs = std::max<DurationUs>(now - job.dispatchedUs, 1);
  auto done = scheduler_->complete(job.unit, completion.stage, execUs, now);
  if (must(done).finished) tellEnds(*done, job.executedUs, nullptr);
}

/// A member's end may let its task go: what is needed of a record is read before.
void OnlinePhase::tellEnds(const sched::StageCompletion& completion, DurationUs executedUs,
                           const char* error) {
  for (const sched::MemberCompletion& member : completion.members)
    ended(recordOf(member.task), *member.end, executedUs, error);
}

void OnlinePhase::markOverdue() {
  if (activeJobs_ == 0) return;
  const TimeUs now = clock_.steadyUs();
  for (TaskRecord* record : byIndex_) {
    if (record == nullptr || !record->active || record->job.missCounted || now <= record->job.deadlineUs)
      continue;
    record->job.missCounted = true;
    record->statistics->overdue();
  }
}

// ---- Ends ----

void OnlinePhase::ended(TaskRecord& record, const sched::JobEnd& end, DurationUs executedUs,
                        const char* error) {
  --activeJobs_;
  record.active = false;
  ActiveJob job = std::move(record.job);
  record.job = ActiveJob{};
  if (job.slot != nullptr) record.pool->giveBack(job.slot);
  if (record.nextPool != nullptr) goOver(record);
  record.statistics->executed(executedUs);
  std::shared_ptr<const std::string> behind;
  if (end.missed && end.behind) behind = nameOf(*end.behind);
  record.statistics->ended(end, job.missCounted, end.missed ? clock_.wallUs() : 0, std::move(behind));
  if (job.client) answerEnd(std::move(job.client), end, job.context, error);
  if (job.input && job.input != record.newest) discard(std::move(job.input));
  if (end.next) {
    record.statistics->waitingReleased(*end.next, clock_.wallUs());
    decided(record, *end.next, std::move(record.waiting));
  }
  if (record.removed && !record.active) forget(record);
}

/// The task's jobs are those of another class from now on.
void OnlinePhase::goOver(TaskRecord& record) {
  SlotPool& former = *record.pool;
  record.pool = std::exchange(record.nextPool, nullptr);
  retireIfIdle(former);
}

std::shared_ptr<const std::string> OnlinePhase::nameOf(sched::TaskId id) const {
  const TaskRecord* record = id.index < byIndex_.size() ? byIndex_[id.index] : nullptr;
  return record != nullptr && record->id == id ? record->name : nullptr;
}

void OnlinePhase::answerEnd(RequestPtr client, const sched::JobEnd& end, std::uint32_t context,
                            const char* error) {
  Outcome& outcome = client->outcome;
  outcome.context = context;
  outcome.responseUs = end.responseUs;
  outcome.lateUs = end.lateUs;
  if (error != nullptr) outcome.error = error;
  const bool dropped = end.end == sched::End::Dropped;
  const Answer kind = end.end == sched::End::Completed ? Answer::Completed : Answer::Failed;
  answer(std::move(client), dropped ? Answer::Dropped : kind);
}

void OnlinePhase::reject(RequestPtr request, const TaskRecord& record, const sched::ReleaseOutcome& outcome) {
  Outcome& told = request->outcome;
  told.testedCount = std::min(outcome.tested.size(), Outcome::kTested);
  std::copy_n(outcome.tested.begin(), told.testedCount, told.tested.begin());
  told.priority = record.priority;
  told.streams = config_.gpus.front().streamsPerContext;
  told.releaseUs = outcome.deadlineUs - record.deadlineUs;
  told.deadlineUs = record.deadlineUs;
  answer(std::move(request), Answer::Rejected);
}

void OnlinePhase::answer(RequestPtr request, Answer kind) {
  if (request->answered) return;
  request->answered = true;
  request->outcome.answer = kind;
  events_.send(Answered{std::move(request)});
}

void OnlinePhase::discard(RequestPtr request) {
  if (request) events_.send(Discarded{std::move(request)});
}

}  // namespace daris::runtime
