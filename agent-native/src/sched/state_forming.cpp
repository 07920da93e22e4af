// The start of a unit: its capacity, and under joining the jobs that go with it (docs/joining.md).
#include <algorithm>
#include <cassert>

#include "sched/state.hpp"

namespace daris::sched {

/// The capacity, by index, that the unit could start with now, and in `candidates_` who may go along; none
/// where no slot is free.
std::optional<std::uint32_t> Scheduler::State::capacityToStart(Context& context, std::uint32_t unitIndex,
                                                               TimeUs now) {
  const Unit& unit = units_[unitIndex];
  const ClassSlots& slots = context.slots[unit.classIndex];
  candidates_.clear();
  if (!slots.isFree()) return std::nullopt;
  if (!policy_.joining || !joins(unit.classIndex)) return 0;
  const JoinedClass& joined = joined_[unit.classIndex];
  slots.unstarted.inOrder(classNodes_, [&](std::uint32_t index) {
    const Unit& each = units_[index];
    if (!isLate(each, now)) candidates_.push_back({index, jobs_[each.firstJob].deadlineUs});
    return candidates_.size() < joined.mostJobs();
  });
  return capacityFor(joined, candidates_, slackUs(context), now);
}

/// The unit takes a slot, and along whoever goes with it; its wait was noted.
void Scheduler::State::start(Context& context, std::uint32_t unitIndex, std::uint32_t stream,
                             std::uint32_t capacity, TimeUs now) {
  Unit& unit = units_[unitIndex];
  ++context.slots[unit.classIndex].used;
  unit.started = true;
  if (!candidates_.empty()) {
    unit.capacity = capacity;
    join(context, unitIndex, stream, now);
  }
}

/// Takes the first candidates into the unit, which leads them; from here on MRETs are those of its capacity.
void Scheduler::State::join(Context& context, std::uint32_t unitIndex, std::uint32_t stream, TimeUs now) {
  assert(candidates_.front().unit == unitIndex);
  Unit& unit = units_[unitIndex];
  JoinedClass& joined = joined_[unit.classIndex];
  const std::size_t members = std::min<std::size_t>(candidates_.size(), joined.jobs(unit.capacity));
  std::uint32_t last = unit.firstJob;
  for (std::size_t i = 1; i < members; ++i) {
    const std::uint32_t other = candidates_[i].unit;
    noteWait(units_[other], context, stream, now);
    leaveQueues(context, other);
    last = jobs_[last].nextInUnit = units_[other].firstJob;
    units_.release(other);
    --context.units;
  }
  unit.jobCount = static_cast<std::uint32_t>(members);
  const MretWindows& windows = joined.windows(unit.capacity);
  unit.remainingUs = windows.totalUs();
  const std::span<StageTerms> stages = stages_[unit.firstJob];
  for (std::uint32_t stage = 0; stage < unit.stageCount; ++stage)
    stages[stage].mretUs = windows.mretUs(stage);
  if (policy_.mretAging && joined.noteFormed(unit.capacity, candidates_.size(), policy_.mretWindow))
    chooseCapacity(unit.classIndex);
}

/// Takes a unit that does not run out of all queues.
void Scheduler::State::leaveQueues(Context& context, std::uint32_t unitIndex) {
  const Unit& unit = units_[unitIndex];
  ClassSlots& slots = context.slots[unit.classIndex];
  if (unit.state == UnitState::Ready) {
    context.ready.erase(nodes_, unitIndex);
  } else {
    slots.without.erase(nodes_, unitIndex);
    --context.withoutSlot;
  }
  if (isFormed(unit)) slots.begun.erase(classNodes_, unitIndex);
  if (!unit.started && joins(unit.classIndex)) slots.unstarted.erase(classNodes_, unitIndex);
}

}  // namespace daris::sched
