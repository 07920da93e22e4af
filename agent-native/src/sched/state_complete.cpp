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
  forgetAnswer();
  Unit& unit = units_[id.index];
  leaveStream(unit, execUs, now);
  measure(unit, execUs, now);
  const bool last = stage + 1 == unit.stageCount;
  return endStage(id, last ? std::optional(End::Completed) : std::nullopt, now);
}

Outcome<StageCompletion> Scheduler::State::fail(UnitId id, StageIndex stage, TimeUs now) {
  if (auto error = checkRunning(id, stage, now)) return *error;
  lastUs_ = now;
  forgetAnswer();
  Unit& unit = units_[id.index];
  leaveStream(unit, now - unit.sinceUs, now);
  describeStage(unit, windowsOf(unit).mretUs(stage), now);
  return endStage(id, End::Failed, now);
}

void Scheduler::State::leaveStream(Unit& unit, DurationUs execUs, TimeUs now) {
  Context& context = partition_.at(unit.context);
  context.streams.giveBack(unit.stream, {jobs_[unit.firstJob].task, unit.level, unit.sinceUs, now});
  context.runningRemaining -= unit.remainingUs;
  context.busyUs += execUs;
}

/// Measures the completed stage for every member and fills `completions_`.
void Scheduler::State::measure(Unit& unit, DurationUs execUs, TimeUs now) {
  const StageIndex stage = unit.stage;
  const MretWindows& windows = windowsOf(unit);
  const DurationUs expectedUs = stages_[unit.firstJob][stage].mretUs;
  // A joined class's windows have other units' measurements too: this one goes by what it was formed with.
  unit.remainingUs -= isFormed(unit) ? expectedUs : windows.mretUs(stage);
  unit.overrunUs += execUs - expectedUs;
  if (isFormed(unit)) {
    joined_[unit.classIndex].record(unit.capacity, stage, execUs);
    chooseCapacity(unit.classIndex);
  } else {
    Task& lead = tasks_[jobs_[unit.firstJob].task.index];
    lead.terms.windows.record(stage, execUs);
    setUtil(lead);
  }
  describeStage(unit, windows.mretUs(stage), now);
}

/// Fills `completions_`: how a stage that ends now went for each job.
void Scheduler::State::describeStage(const Unit& unit, DurationUs mretUs, TimeUs now) {
  std::uint32_t count = 0;
  forEachJob(unit, [&](std::uint32_t jobIndex) {
    Job& job = jobs_[jobIndex];
    job.predecessorMissed = now > stages_[jobIndex][unit.stage].virtualDeadlineUs;
    completions_[count++] = {jobs_.idOf(jobIndex),  job.task, job.token, job.number,
                             job.predecessorMissed, mretUs,   nullptr};
  });
}

/// Those that the unit's stages are measured into.
const MretWindows& Scheduler::State::windowsOf(const Unit& unit) const {
  return isFormed(unit) ? joined_[unit.classIndex].windows(unit.capacity)
                        : tasks_[jobs_[unit.firstJob].task.index].terms.windows;
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
    ends_[count] = {};
    endJob(jobIndex, *end, ended, now, ends_[count]);
    completions_[count].end = &ends_[count];
    ++count;
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
  const std::uint32_t taskIndex = job.task.index;
  Task& task = tasks_[taskIndex];
  out.end = end;
  out.job = jobs_.idOf(jobIndex);
  out.task = job.task;
  out.token = job.token;
  out.number = job.number;
  out.stage = unit.stage;
  out.responseUs = now - job.releaseUs;
  out.lateUs = std::max<DurationUs>(0, now - job.deadlineUs);
  out.missed = out.lateUs > 0;
  out.slotFreed = unit.started;
  describeMiss(job, waits_[jobIndex], unit.overrunUs, out);

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
  out.next = &released_.emplace_back(admit(taskIndex, {request.token, request.number, now}, now));
}

void Scheduler::State::describeMiss(const Job& job, const WaitLedger& waits, DurationUs overrunUs,
                                    JobEnd& out) {
  const WaitLedger::Behind behind = waits.longest();
  if (behind.us > 0) out.behind = behind.task;
  out.behindUs = behind.us;
  if (!out.missed || out.end == End::Failed) return;
  out.cause = causeOf(job.loading, overrunUs, waits.blockedUs(), out.lateUs);
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
    ++tasks_[job.task.index].counters.missed;
    ++marked;
  }
  return marked;
}

}  // namespace daris::sched
