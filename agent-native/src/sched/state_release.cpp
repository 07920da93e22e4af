// Releases: periodic ones and requests, the search for a context that takes the job, migration, rejection.
// The order of tests is the paper's: the own context first, then all others, the earliest predicted finish
// wins.
#include "sched/levels.hpp"
#include "sched/state.hpp"

namespace daris::sched {

std::optional<Error> Scheduler::State::checkRelease(TimeUs releaseUs, TimeUs now) const {
  if (auto error = checkTime(now)) return *error;
  if (releaseUs < -kMaxTimeUs) return Error{ErrorCode::InvalidTime, "releaseUs: must be within +-2^53"};
  if (releaseUs > now) return Error{ErrorCode::InvalidTime, "releaseUs: must not be after now"};
  return std::nullopt;
}

Outcome<ReleaseOutcome> Scheduler::State::release(TaskId id, const Release& release, TimeUs now) {
  if (auto error = checkRelease(release.releaseUs, now)) return *error;
  Task* task = findTask(id);
  if (task == nullptr) return Error{ErrorCode::UnknownTask, "task: does not exist, or was removed"};
  if (task->latestSpec().releaseMode != ReleaseMode::Periodic)
    return Error{ErrorCode::WrongReleaseMode, "task: takes requests, not periodic releases"};
  lastUs_ = now;
  forgetAnswer();
  const std::uint64_t number = task->counters.released++;
  if (!task->active()) return admit(id.index, {release.token, number, release.releaseUs}, now);
  ++task->counters.skipped;
  ReleaseOutcome skipped;
  skipped.decision = Decision::Skipped;
  skipped.token = release.token;
  skipped.number = number;
  return skipped;
}

Outcome<ReleaseOutcome> Scheduler::State::request(TaskId id, Token token, TimeUs now) {
  if (auto error = checkTime(now)) return *error;
  Task* task = findTask(id);
  if (task == nullptr) return Error{ErrorCode::UnknownTask, "task: does not exist, or was removed"};
  const TaskSpec& spec = task->latestSpec();
  if (spec.releaseMode != ReleaseMode::OnRequest)
    return Error{ErrorCode::WrongReleaseMode, "task: is released periodically, it takes no requests"};
  lastUs_ = now;
  forgetAnswer();
  ReleaseOutcome outcome;
  outcome.token = token;
  const DurationUs toleranceUs = spec.releaseJitterUs.value_or(spec.periodUs / 2);
  if (!task->gcra.arrive(now, spec.periodUs, toleranceUs)) {
    ++task->counters.early;
    outcome.decision = Decision::Early;
    outcome.retryAtUs = task->gcra.earliest(toleranceUs);
    return outcome;
  }
  const std::uint64_t number = task->counters.released++;
  if (!task->active()) return admit(id.index, {token, number, now}, now);
  outcome.decision = Decision::Waiting;
  outcome.number = number;
  if (task->waiting) {
    outcome.superseded = task->waiting->token;
    ++task->counters.superseded;
  }
  task->waiting = WaitingRequest{token, number};
  return outcome;
}

Outcome<Done> Scheduler::State::withdraw(TaskId id, Token token) {
  Task* task = findTask(id);
  if (task == nullptr) return Error{ErrorCode::UnknownTask, "task: does not exist, or was removed"};
  if (!task->waiting || task->waiting->token != token)
    return Error{ErrorCode::NotWaiting, "token: no request of that token waits"};
  cancelWaiting(*task);
  return Done{};
}

Newcomer Scheduler::State::newcomer(const Task& task, TimeUs releaseUs, TimeUs now) const {
  const TaskTerms& terms = task.terms;
  Newcomer job;
  job.priority = terms.spec.priority;
  const MretWindows& windows = estimate(terms);
  job.util = utilOf(task);
  job.mretUs = windows.totalUs();
  job.nowUs = now;
  if (isJoined(terms) && joined_[terms.classIndex].facts.tasks > 1) {
    job.classIndex = terms.classIndex;
    job.classNodes = &classNodes_;
  }
  job.deadlineUs = releaseUs + terms.spec.deadlineUs;
  job.firstStageKey = {firstVirtualDeadline(windows, releaseUs, terms.spec.deadlineUs), releaseUs,
                       terms.spec.order, 0, levelOf(policy_, job.priority, windows.stageCount() == 1, false)};
  return job;
}

/// The whole decision about one released job of an idle task.
ReleaseOutcome Scheduler::State::admit(std::uint32_t taskIndex, const Arrival& arrival, TimeUs now) {
  Task& task = tasks_[taskIndex];
  ReleaseOutcome outcome;
  outcome.token = arrival.token;
  outcome.number = arrival.number;
  outcome.deadlineUs = arrival.releaseUs + task.terms.spec.deadlineUs;
  outcome.util = utilOf(task);
  const bool untested = task.terms.spec.priority == Priority::High && !policy_.highPriorityAdmission;
  if (!untested) {
    const std::size_t before = tested_.size();  // those of other jobs that ended at this instant
    const AdmissionTerms* chosen = choose(task, newcomer(task, arrival.releaseUs, now));
    outcome.tested = std::span(tested_).subspan(before);
    if (chosen == nullptr) {
      reject(task);
      outcome.decision = Decision::Rejected;
      outcome.rejectedBy = refusedBy(outcome.tested);
      return outcome;
    }
    outcome.admittedBy = chosen;
    if (chosen->context != task.context) {
      outcome.migratedFrom = task.context;
      migrate(task, chosen->context, now);
    }
  }
  outcome.decision = Decision::Admitted;
  outcome.context = task.context;
  outcome.job = startJob(taskIndex, arrival);
  return outcome;
}

/// The terms of the context that takes the job, or null. Adds to `tested_`.
const AdmissionTerms* Scheduler::State::choose(const Task& task, const Newcomer& job) {
  const std::size_t first = tested_.size();
  const Context& own = partition_.at(task.context);
  tested_.push_back(testContext(task.context, own, nodes_, job, policy_.admission, false));
  if (tested_[first].passes) return &tested_[first];
  if (job.priority == Priority::High) return nullptr;
  testOthers(task, job);
  const AdmissionTerms* best = nullptr;
  for (const AdmissionTerms& terms : std::span(tested_).subspan(first)) {
    if (!terms.passes) continue;
    // Contexts of one GPU have the same N_s, so the scaled finishes compare; ties go to the lower index.
    if (best == nullptr || terms.predicted->scaledUs < best->predicted->scaledUs) best = &terms;
  }
  return best;
}

void Scheduler::State::testOthers(const Task& task, const Newcomer& job) {
  const std::span<Context> contexts = partition_.contextsOf(task.context.gpu);
  for (std::uint32_t index = 0; index < contexts.size(); ++index) {
    if (index == task.context.index || contexts[index].state != ContextState::Serving) continue;
    const ContextRef ref{task.context.gpu, index};
    tested_.push_back(testContext(ref, contexts[index], nodes_, job, policy_.admission, true));
  }
}

/// Moves an idle LP task; nothing is loaded or copied on the way.
void Scheduler::State::migrate(Task& task, ContextRef to, TimeUs now) {
  task.migrations = {task.migrations.count + 1, task.context, to, now};
  detach(task);
  attach(task, to);
}

void Scheduler::State::reject(Task& task) {
  ++task.counters.rejected;
  JoinedClass* const joined = isJoined(task.terms) ? &joined_[task.terms.classIndex] : nullptr;
  if (joined != nullptr && task.rejectionsInRow == 0) task.measuredBefore = joined->measurements();
  if (!policy_.mretAging || ++task.rejectionsInRow < policy_.mretWindow) return;
  task.rejectionsInRow = 0;
  if (joined == nullptr) {
    task.terms.windows.age();
    setUtil(task);
  } else if (joined->measurements() == task.measuredBefore) {  // else others saw to it
    joined->age();
    chooseCapacity(task.terms.classIndex);
  }
}

JobId Scheduler::State::startJob(std::uint32_t taskIndex, const Arrival& arrival) {
  Task& task = tasks_[taskIndex];
  const TaskTerms& terms = task.terms;
  const MretWindows& windows = estimate(terms);
  Context& context = partition_.at(task.context);
  const JobId id = jobs_.acquire();
  const UnitId unitId = units_.acquire();

  Job& job = jobs_[id.index];
  job = Job{};
  job.task = tasks_.idOf(taskIndex);
  job.priority = terms.spec.priority;
  job.dropsLate = terms.spec.lateJobs == LateJobs::Drop;
  job.token = arrival.token;
  job.number = arrival.number;
  job.order = terms.spec.order;
  job.releaseUs = arrival.releaseUs;
  job.deadlineUs = arrival.releaseUs + terms.spec.deadlineUs;
  job.loading = !context.slots[terms.classIndex].isLoaded();
  waits_[id.index] = {};

  Unit& unit = units_[unitId.index];
  unit = Unit{};
  unit.firstJob = id.index;
  unit.jobCount = 1;
  unit.classIndex = terms.classIndex;
  unit.context = task.context;
  unit.stageCount = windows.stageCount();
  unit.remainingUs = queuedUs(terms);

  setVirtualDeadlines(windows, arrival.releaseUs, terms.spec.deadlineUs, stages_[id.index]);
  task.job = id.index;
  task.rejectionsInRow = 0;
  ++task.counters.admitted;
  loadActive(task, true);
  ++context.units;
  makeReady(unitId.index, arrival.releaseUs);
  if (terms.group != kNone)
    context.slots[unit.classIndex].unstarted.insert(classNodes_, ReadyQueue::keyOf(nodes_, unitId.index), 0);
  return id;
}

Outcome<std::span<const AdmissionTerms>> Scheduler::State::explain(TaskId id, TimeUs now) {
  const Task* task = findTask(id);
  if (task == nullptr) return Error{ErrorCode::UnknownTask, "task: does not exist, or was removed"};
  const Newcomer job = newcomer(*task, now, now);
  forgetAnswer();
  tested_.push_back(
      testContext(task->context, partition_.at(task->context), nodes_, job, policy_.admission, true));
  if (job.priority == Priority::Low) testOthers(*task, job);
  return std::span<const AdmissionTerms>(tested_);
}

}  // namespace daris::sched
