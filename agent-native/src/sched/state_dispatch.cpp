// Dispatch: the lowest free stream of a context takes the best ready stage that may start.
// A unit takes a slot with its first stage and keeps it; one without a slot is set aside until a slot is
// free.
#include "sched/levels.hpp"
#include "sched/state.hpp"

namespace daris::sched {

Outcome<Next> Scheduler::State::next(ContextRef ref, TimeUs now) {
  if (auto error = checkTime(now)) return *error;
  Context* context = partition_.find(ref);
  if (context == nullptr) return Error{ErrorCode::UnknownContext, "context: does not exist, or is drained"};
  lastUs_ = now;
  Next result;
  const std::uint32_t stream = context->streams.lowestFree();
  if (stream == Streams::kNoStream) return result;
  for (;;) {
    const std::uint32_t unitIndex = context->ready.best(nodes_);
    if (unitIndex == kNoUnit) return result;
    const Unit& unit = units_[unitIndex];
    if (isLate(unit, now)) {
      result.kind = NextKind::Drop;
      drop(*context, unitIndex, stream, now, result.dropped);
      return result;
    }
    if (unit.started || context->slots[unit.classIndex].available()) {
      result.kind = NextKind::Run;
      dispatch(*context, unitIndex, stream, now, result.run);
      return result;
    }
    setAside(*context, unitIndex);
  }
}

/// Whether the unit holds a job that must not go on: late, of a task that drops late jobs.
bool Scheduler::State::isLate(const Unit& unit, TimeUs now) const {
  const Job& job = jobs_[unit.jobs[0]];
  return now > job.deadlineUs && tasks_[job.task].terms.spec.lateJobs == LateJobs::Drop;
}

void Scheduler::State::dispatch(Context& context, std::uint32_t unitIndex, std::uint32_t stream, TimeUs now,
                                Dispatch& out) {
  Unit& unit = units_[unitIndex];
  context.ready.erase(nodes_, unitIndex);
  noteWait(unit, context, stream, now);
  context.streams.take(stream);
  context.runningRemaining += unit.remainingUs;
  out.first = !unit.started;
  if (out.first) ++context.slots[unit.classIndex].used;
  unit.started = true;
  unit.state = UnitState::Running;
  unit.stream = stream;
  unit.sinceUs = now;

  const Job& job = jobs_[unit.jobs[0]];
  const TaskTerms& terms = tasks_[job.task].terms;
  members_[0] = {
      jobs_.idOf(unit.jobs[0]), tasks_.idOf(job.task), job.token, job.number, job.releaseUs, job.deadlineUs};
  out.unit = units_.idOf(unitIndex);
  out.members = {members_.data(), unit.jobCount};
  out.classId = terms.spec.classId;
  out.context = unit.context;
  out.stream = stream;
  out.stage = unit.stage;
  out.last = unit.stage + 1 == unit.stageCount;
  out.modelStages =
      unit.stageCount == terms.spec.afetUs.size() ? 1 : static_cast<std::uint32_t>(terms.spec.afetUs.size());
  out.level = unit.level;
  out.virtualDeadlineUs = terms.stages[unit.stage].virtualDeadlineUs;
}

/// Charges the wait that ends now to what held the stream meanwhile.
void Scheduler::State::noteWait(const Unit& unit, const Context& context, std::uint32_t stream, TimeUs now) {
  if (unit.sinceUs == now) return;
  for (std::uint32_t i = 0; i < unit.jobCount; ++i)
    jobs_[unit.jobs[i]].waits.add(context.streams.history(stream), unit.sinceUs, unit.level);
}

void Scheduler::State::drop(Context& context, std::uint32_t unitIndex, std::uint32_t stream, TimeUs now,
                            JobEnd& out) {
  const Unit unit = units_[unitIndex];
  context.ready.erase(nodes_, unitIndex);
  noteWait(unit, context, stream, now);
  endUnit(units_[unitIndex], unitIndex);
  endJob(unit.jobs[0], End::Dropped, unit, now, out);
}

/// `sinceUs`: when its wait for a stream began.
void Scheduler::State::makeReady(std::uint32_t unitIndex, TimeUs sinceUs) {
  Unit& unit = units_[unitIndex];
  const Job& job = jobs_[unit.jobs[0]];
  const TaskSpec& spec = tasks_[job.task].terms.spec;
  unit.level = levelOf(policy_, spec.priority, unit.stage + 1 == unit.stageCount, job.predecessorMissed);
  unit.state = UnitState::Ready;
  unit.sinceUs = sinceUs;
  const TimeUs virtualDeadlineUs = tasks_[job.task].terms.stages[unit.stage].virtualDeadlineUs;
  const ReadyKey key{virtualDeadlineUs, job.releaseUs, spec.order, unitIndex, unit.level};
  partition_.at(unit.context).ready.insert(nodes_, key, unit.remainingUs);
}

void Scheduler::State::setAside(Context& context, std::uint32_t unitIndex) {
  Unit& unit = units_[unitIndex];
  const ReadyKey key = ReadyQueue::keyOf(nodes_, unitIndex);
  ClassSlots& slots = context.slots[unit.classIndex];
  context.ready.erase(nodes_, unitIndex);
  slots.without.insert(nodes_, key, unit.remainingUs);
  ++context.withoutSlot;
  unit.state = UnitState::WithoutSlot;
  if (slots.budget == 0) jobs_[unit.jobs[0]].loading = true;
}

/// Makes as many units ready again as the class has free slots; what finds none after all is set aside again.
void Scheduler::State::bringBack(Context& context, std::uint32_t classIndex) {
  ClassSlots& slots = context.slots[classIndex];
  for (std::uint32_t used = slots.used; used < slots.budget && !slots.without.empty(); ++used) {
    const std::uint32_t unitIndex = slots.without.best(nodes_);
    const ReadyKey key = ReadyQueue::keyOf(nodes_, unitIndex);
    slots.without.erase(nodes_, unitIndex);
    --context.withoutSlot;
    context.ready.insert(nodes_, key, units_[unitIndex].remainingUs);
    units_[unitIndex].state = UnitState::Ready;
  }
}

}  // namespace daris::sched
