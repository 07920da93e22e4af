// Completion: the measurement goes into the MRET window first, then the unit's next stage becomes ready or
// its jobs end. At the end of a job: its load leaves the sums, what was put off for its task happens, and a
// waiting request is released.
#include <algorithm>

#include "sched/state.hpp"

namespace daris::sched {

std::optional<Error> Scheduler::State::checkRunning(UnitId id, StageIndex stage, TimeUs now) {
  if (auto error = checkTime(now)) return error;
  const Unit* unit = units_.find(id);
  if (unit == nullptr) return Error{ErrorCode::UnknownUnit, "unit: does not exist, or has ended"};
  if (unit->state != UnitState::Running) return Error{ErrorCode::NotRunning, "unit: is not on a stream"};
  if (unit->stage != stage) return Error{ErrorCode::StageMismatch, "stage: is not the running one"};
  return std::nullopt;
}

Outcome<StageCompletion> Scheduler::State::complete(UnitId id, StageIndex stage, DurationUs execUs,
                                                    TimeUs now) {
  if (auto error = checkRunning(id, stage, now)) return *error;
  if (execUs < 0 || execUs > kMaxTimeUs) return Error{ErrorCode::InvalidTime, "execUs: must be 0 to 2^53"};
  lastUs_ = now;
  tested_.clear();
  Unit& unit = units_[id.index];
  leaveStream(unit, execUs, now);
  measure(unit, execUs, now);
  const bool last = stage + 1 == unit.stageCount;
  return endStage(id, last ? std::optional(End::Completed) : std::nullopt, now);
}

Outcome<StageCompletion> Scheduler::State::fail(UnitId id, StageIndex stage, TimeUs now) {
  if (auto error = checkRunning(id, stage, now)) return *error;
  lastUs_ = now;
  tested_.clear();
  Unit& unit = units_[id.index];
  leaveStream(unit, now - unit.sinceUs, now);
  std::uint32_t count = 0;
  forEachJob(unit, [&](std::uint32_t jobIndex) {
    completions_[count++] = describeStage(jobIndex, stage, windowsOf(unit).mretUs(stage), now);
  });
  return endStage(id, End::Failed, now);
}

void Scheduler::State::leaveStream(Unit& unit, DurationUs execUs, TimeUs now) {
  Context& context = partition_.at(unit.context);
  const std::uint32_t lead = jobs_[unit.firstJob].task;
  context.streams.giveBack(unit.stream, {tasks_.idOf(lead), unit.level, unit.sinceUs, now});
  context.runningRemaining -= unit.remainingUs;
  context.busyUs += execUs;
}

/// Measures the completed stage for every member and fills `completions_`.
void Scheduler::State::measure(Unit& unit, DurationUs execUs, TimeUs now) {
  const StageIndex stage = unit.stage;
  Task& lead = tasks_[jobs_[unit.firstJob].task];
  const MretWindows& windows = windowsOf(unit);
  // A joined class's windows have other units' measurements too: this one goes by what it was formed with.
  unit.remainingUs -= isFormed(unit) ? lead.terms.stages[stage].mretUs : windows.mretUs(stage);
  if (isFormed(unit)) {
    joined_[unit.classIndex].record(unit.capacity, stage, execUs);
    chooseCapacity(unit.classIndex);
  } else {
    lead.terms.windows.record(stage, execUs);
    setUtil(lead);
  }
  std::uint32_t count = 0;
  forEachJob(unit, [&](std::uint32_t jobIndex) {
    Job& job = jobs_[jobIndex];
    Task& task = tasks_[job.task];
    task.executionUs += execUs / unit.jobCount;
    job.overrunUs += execUs - task.terms.stages[stage].mretUs;
    MemberCompletion& member = completions_[count++];
    member = describeStage(jobIndex, stage, windows.mretUs(stage), now);
    job.predecessorMissed = member.missedVirtualDeadline;
  });
}

/// How a stage that ends now went for one job.
MemberCompletion Scheduler::State::describeStage(std::uint32_t jobIndex, StageIndex stage, DurationUs mretUs,
                                                 TimeUs now) const {
  const Job& job = jobs_[jobIndex];
  const bool missed = now > tasks_[job.task].terms.stages[stage].virtualDeadlineUs;
  return {jobs_.idOf(jobIndex), tasks_.idOf(job.task), job.token, job.number, missed, mretUs, std::nullopt};
}

/// Those that the unit's stages are measured into.
const MretWindows& Scheduler::State::windowsOf(const Unit& unit) const {
  return isFormed(unit) ? joined_[unit.classIndex].windows(unit.capacity)
                        : tasks_[jobs_[unit.firstJob].task].terms.windows;
}

/// Sends the unit to its next stage, or ends its jobs as `end` says. `completions_` is filled.
StageCompletion Scheduler::State::endStage(UnitId id, std::optional<End> end, TimeUs now) {
  Unit& unit = units_[id.index];
  StageCompletion result;
  result.unit = id;
  result.stage = unit.stage;
  result.finished = end.has_value();
  result.context = unit.context;
  result.stream = unit.stream;
  result.members = {completions_.data(), unit.jobCount};
  if (!end) {
    ++unit.stage;
    makeReady(id.index, now);
    return result;
  }
  const Unit ended = unit;
  endUnit(unit, id.index);
  std::uint32_t count = 0;
  forEachJob(ended, [&](std::uint32_t jobIndex) {
    endJob(jobIndex, *end, ended, now, completions_[count++].end.emplace());
  });
  return result;
}

/// Gives the unit's slot and name back; its jobs are still to be ended.
void Scheduler::State::endUnit(Unit& unit, std::uint32_t unitIndex) {
  Context& context = partition_.at(unit.context);
  --context.units;
  if (unit.started) --context.slots[unit.classIndex].used;
  bringBack(context, unit.classIndex);
  units_.release(unitIndex);
}

void Scheduler::State::endJob(std::uint32_t jobIndex, End end, const Unit& unit, TimeUs now, JobEnd& out) {
  const Job& job = jobs_[jobIndex];
  const std::uint32_t taskIndex = job.task;
  Task& task = tasks_[taskIndex];
  out.end = end;
  out.job = jobs_.idOf(jobIndex);
  out.task = tasks_.idOf(taskIndex);
  out.token = job.token;
  out.number = job.number;
  out.stage = unit.stage;
  out.responseUs = now - job.releaseUs;
  out.lateUs = std::max<DurationUs>(0, now - job.deadlineUs);
  out.missed = out.lateUs > 0;
  out.slotFreed = unit.started;
  describeMiss(job, out);

  Counters& counters = task.counters;
  counters.completed += end == End::Completed;
  counters.dropped += end == End::Dropped;
  counters.failed += end == End::Failed;
  counters.missed += out.missed && !job.missCounted;
  counters.inTime += end == End::Completed && !out.missed;

  loadActive(task, false);
  task.job = kNone;
  jobs_.release(jobIndex);
  settle(taskIndex);
  if (!task.waiting) return;
  const WaitingRequest request = *task.waiting;
  task.waiting.reset();
  out.next = admit(taskIndex, {request.token, request.number, now}, now);
}

void Scheduler::State::describeMiss(const Job& job, JobEnd& out) const {
  const WaitLedger::Behind behind = job.waits.longest();
  if (behind.us > 0) out.behind = behind.task;
  out.behindUs = behind.us;
  if (!out.missed || out.end == End::Failed) return;
  out.cause = causeOf(job.loading, job.overrunUs, job.waits.blockedUs(), out.lateUs);
}

Outcome<std::uint32_t> Scheduler::State::markOverdue(TimeUs now) {
  if (auto error = checkTime(now)) return *error;
  lastUs_ = now;
  std::uint32_t marked = 0;
  for (std::uint32_t index = 0; index < jobs_.capacity(); ++index) {
    if (!jobs_.used(index)) continue;
    Job& job = jobs_[index];
    if (job.missCounted || now <= job.deadlineUs) continue;
    job.missCounted = true;
    ++tasks_[job.task].counters.missed;
    ++marked;
  }
  return marked;
}

}  // namespace daris::sched
