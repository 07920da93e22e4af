// Dispatch: the lowest free stream of a context takes the best ready stage that may start.
// A unit takes a slot with its first stage and keeps it; one without a slot is set aside until a slot is
// free.
#include <algorithm>

#include "sched/levels.hpp"
#include "sched/state.hpp"

namespace daris::sched {

Outcome<Next> Scheduler::State::next(ContextRef ref, TimeUs now) {
  if (auto error = checkTime(now)) return *error;
  Context* context = partition_.find(ref);
  if (context == nullptr) return Error{ErrorCode::UnknownContext, "context: does not exist, or is drained"};
  lastUs_ = now;
  forgetAnswer();
  Next result;
  const std::uint32_t stream = context->streams.lowestFree();
  if (stream == Streams::kNoStream) return result;
  for (;;) {
    const std::uint32_t unitIndex = bestOf(*context);
    if (unitIndex == kNoUnit) return result;
    const Unit& unit = units_[unitIndex];
    if (isLate(unit, now)) {
      result.kind = NextKind::Drop;
      drop(*context, unitIndex, stream, now, result.dropped);
      return result;
    }
    const std::optional<std::uint32_t> capacity =
        unit.started ? 0 : capacityToStart(*context, unitIndex, now);
    if (capacity) {
      result.kind = NextKind::Run;
      // One that was set aside for want of a slot may go with this one now, and before it.
      const std::uint32_t leader = unit.started || candidates_.empty() ? unitIndex : candidates_.front().unit;
      dispatch(*context, leader, stream, *capacity, now, result.run);
      return result;
    }
    setAside(*context, unitIndex);
  }
}

/// The best ready unit. A job that has not started gives way to a unit of its class that has: it gains
/// company by waiting, and the lanes are kept from filling with small units.
std::uint32_t Scheduler::State::bestOf(const Context& context) const {
  const std::uint32_t best = context.ready.best(nodes_);
  if (best == kNoUnit || units_[best].started) return best;
  const ReadyQueue& begun = context.slots[units_[best].classIndex].begun;
  return begun.empty() ? best : begun.best(classNodes_);
}

/// Whether the unit is a job that must not go on: late, of a task that drops late jobs.
bool Scheduler::State::isLate(const Unit& unit, TimeUs now) const {
  if (unit.jobCount > 1) return false;
  const Job& job = jobs_[unit.firstJob];
  return job.dropsLate && now > job.deadlineUs;
}

/// `capacity`: by index, of a unit that starts.
void Scheduler::State::dispatch(Context& context, std::uint32_t unitIndex, std::uint32_t stream,
                                std::uint32_t capacity, TimeUs now, Dispatch& out) {
  Unit& unit = units_[unitIndex];
  leaveQueues(context, unitIndex);
  noteWait(unit, context, stream, now);
  context.streams.take(stream);
  out.first = !unit.started;
  if (out.first) start(context, unitIndex, stream, capacity, now);
  context.runningRemaining += unit.remainingUs;
  unit.state = UnitState::Running;
  unit.stream = stream;
  unit.sinceUs = now;
  tell(unit, unitIndex, out);
}

/// Fills `members_` and all of `out` but `first`.
void Scheduler::State::tell(const Unit& unit, std::uint32_t unitIndex, Dispatch& out) {
  std::uint32_t count = 0;
  forEachJob(unit, [&](std::uint32_t jobIndex) {
    const Job& job = jobs_[jobIndex];
    members_[count++] = {jobs_.idOf(jobIndex),
                         job.task,
                         job.token,
                         job.number,
                         job.releaseUs,
                         job.deadlineUs,
                         stages_[jobIndex][unit.stage].virtualDeadlineUs};
  });
  const TaskTerms& terms = tasks_[jobs_[unit.firstJob].task.index].terms;
  out.unit = units_.idOf(unitIndex);
  out.members = {members_.data(), unit.jobCount};
  out.classId = terms.spec.classId;
  out.context = unit.context;
  out.stream = unit.stream;
  out.stage = unit.stage;
  out.last = unit.stage + 1 == unit.stageCount;
  out.modelStages =
      unit.stageCount == terms.spec.afetUs.size() ? 1 : static_cast<std::uint32_t>(terms.spec.afetUs.size());
  out.level = unit.level;
  out.virtualDeadlineUs = ReadyQueue::keyOf(nodes_, unitIndex).virtualDeadlineUs;
  out.capacity = unit.capacity == kNone ? 1 : joined_[unit.classIndex].jobs(unit.capacity);
}

/// Charges the wait that ends now to what held the stream meanwhile.
void Scheduler::State::noteWait(const Unit& unit, const Context& context, std::uint32_t stream, TimeUs now) {
  if (unit.sinceUs == now) return;
  forEachJob(unit, [&](std::uint32_t jobIndex) {
    waits_[jobIndex].add(context.streams.history(stream), unit.sinceUs, unit.level);
  });
}

void Scheduler::State::drop(Context& context, std::uint32_t unitIndex, std::uint32_t stream, TimeUs now,
                            JobEnd& out) {
  const Unit unit = units_[unitIndex];
  leaveQueues(context, unitIndex);
  noteWait(unit, context, stream, now);
  endUnit(units_[unitIndex], unitIndex);
  endJob(unit.firstJob, End::Dropped, unit, now, out);
}

/// `sinceUs`: when its wait for a stream began. The unit's key is the best of its jobs'.
void Scheduler::State::makeReady(std::uint32_t unitIndex, TimeUs sinceUs) {
  Unit& unit = units_[unitIndex];
  const bool last = unit.stage + 1 == unit.stageCount;
  std::optional<ReadyKey> best;
  forEachJob(unit, [&](std::uint32_t jobIndex) {
    const Job& job = jobs_[jobIndex];
    const ReadyKey key{stages_[jobIndex][unit.stage].virtualDeadlineUs, job.releaseUs, job.order, unitIndex,
                       levelOf(policy_, job.priority, last, job.predecessorMissed)};
    if (!best || key < *best) best = key;
  });
  const ReadyKey key = *best;
  unit.level = key.level;
  unit.state = UnitState::Ready;
  unit.sinceUs = sinceUs;
  Context& context = partition_.at(unit.context);
  context.ready.insert(nodes_, key, unit.remainingUs);
  if (isFormed(unit)) context.slots[unit.classIndex].begun.insert(classNodes_, key, unit.remainingUs);
}

void Scheduler::State::setAside(Context& context, std::uint32_t unitIndex) {
  Unit& unit = units_[unitIndex];
  const ReadyKey key = ReadyQueue::keyOf(nodes_, unitIndex);
  ClassSlots& slots = context.slots[unit.classIndex];
  context.ready.erase(nodes_, unitIndex);
  slots.without.insert(nodes_, key, unit.remainingUs);
  ++context.withoutSlot;
  unit.state = UnitState::WithoutSlot;
  if (!slots.isLoaded()) jobs_[unit.firstJob].loading = true;
}

/// Makes as many units ready again as the class has free slots; what finds none after all is set aside again.
void Scheduler::State::bringBack(Context& context, std::uint32_t classIndex) {
  ClassSlots& slots = context.slots[classIndex];
  for (std::uint32_t left = slots.left(); left > 0 && !slots.without.empty(); --left) {
    const std::uint32_t unitIndex = slots.without.best(nodes_);
    const ReadyKey key = ReadyQueue::keyOf(nodes_, unitIndex);
    slots.without.erase(nodes_, unitIndex);
    --context.withoutSlot;
    context.ready.insert(nodes_, key, units_[unitIndex].remainingUs);
    units_[unitIndex].state = UnitState::Ready;
  }
}

}  // namespace daris::sched
