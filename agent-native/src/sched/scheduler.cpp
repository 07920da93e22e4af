// The public face: ownership of the state, and forwarding.
#include "sched/scheduler.hpp"

#include "sched/state.hpp"

namespace daris::sched {

Outcome<Scheduler> Scheduler::create(const Config& config) {
  if (auto error = checkConfig(config)) return *error;
  return Scheduler(std::make_unique<State>(config));
}

Scheduler::Scheduler(std::unique_ptr<State> state) : state_(std::move(state)) {}
Scheduler::Scheduler(Scheduler&&) noexcept = default;
Scheduler& Scheduler::operator=(Scheduler&&) noexcept = default;
Scheduler::~Scheduler() = default;

Outcome<Done> Scheduler::configure(const Config& config, TimeUs now) {
  return state_->configure(config, now);
}
Outcome<Added> Scheduler::addTask(const TaskSpec& spec, TimeUs now) {
  return state_->addTask(spec, now);
}
Outcome<Changed> Scheduler::changeTask(TaskId task, const TaskSpec& spec, TimeUs now) {
  return state_->changeTask(task, spec, now);
}
Outcome<Removed> Scheduler::removeTask(TaskId task, TimeUs now) {
  return state_->removeTask(task, now);
}
Outcome<Done> Scheduler::setCapacities(ClassId classId, std::span<const Capacity> capacities) {
  return state_->setCapacities(classId, capacities);
}
Outcome<Done> Scheduler::setSlots(ClassId classId, ContextRef context, std::uint32_t slots) {
  return state_->setSlots(classId, context, slots);
}
Outcome<ReleaseOutcome> Scheduler::release(TaskId task, const Release& release, TimeUs now) {
  return state_->release(task, release, now);
}
Outcome<ReleaseOutcome> Scheduler::request(TaskId task, Token token, TimeUs now) {
  return state_->request(task, token, now);
}
Outcome<Done> Scheduler::withdraw(TaskId task, Token token) {
  return state_->withdraw(task, token);
}
Outcome<Next> Scheduler::next(ContextRef context, TimeUs now) {
  return state_->next(context, now);
}
Outcome<StageCompletion> Scheduler::complete(UnitId unit, StageIndex stage, DurationUs execUs, TimeUs now) {
  return state_->complete(unit, stage, execUs, now);
}
Outcome<StageCompletion> Scheduler::fail(UnitId unit, StageIndex stage, TimeUs now) {
  return state_->fail(unit, stage, now);
}
Outcome<std::uint32_t> Scheduler::markOverdue(TimeUs now) {
  return state_->markOverdue(now);
}
void Scheduler::snapshot(Snapshot& out) const {
  state_->snapshot(out);
}
void Scheduler::snapshotContexts(Snapshot& out) const {
  state_->snapshotContexts(out);
}
std::optional<TaskTotals> Scheduler::totals(TaskId task) const {
  return state_->totals(task);
}
Outcome<std::span<const AdmissionTerms>> Scheduler::explain(TaskId task, TimeUs now) {
  return state_->explain(task, now);
}

}  // namespace daris::sched
