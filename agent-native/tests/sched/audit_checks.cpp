// The comparisons of answers and of the whole state.
#include "auditor.hpp"

namespace daris::sched {

/// `task`: as it was before the release.
void Audit::checkRelease(const ReleaseOutcome& got, const Expected& want, Token token,
                         const TaskModel* task) {
  note(static_cast<std::uint64_t>(got.decision) * 64 + got.context.index);
  check(got.decision == want.decision, "another decision");
  check(got.token == token, "another token");
  check(got.superseded == want.superseded, "another request was superseded");
  check(got.migratedFrom == want.migratedFrom, "another migration");
  if (got.decision == Decision::Rejected || got.decision == Decision::Skipped) endToken(token);
  if (got.decision == Decision::Rejected) check(got.rejectedBy == want.rejectedBy, "refused by another test");
  if (got.decision != Decision::Admitted) return;
  check(got.context == want.context, "admitted to another context");
  if (!got.admittedBy) {
    check(task->spec.priority == Priority::High, "an LP job was not tested");
    return;
  }
  const AdmissionTerms& terms = *got.admittedBy;
  check(terms.active + terms.util < terms.remaining, "(12) is broken");
  if (model_.policy.admission == Admission::Predicted)
    check(terms.predicted->scaledUs <= static_cast<Wide>(terms.predicted->streams) * got.deadlineUs,
          "admitted although predicted late");
}

void Audit::checkDispatch(const Dispatch& run, ContextRef ref) {
  TaskModel* best = model_.bestEligible(ref);
  check(best != nullptr && run.members.size() == 1 && run.members[0].task == best->id,
        "not the best ready stage");
  const reference::JobModel& job = *best->job;
  check(model_.lowestFree(ref) == run.stream, "not the lowest free stream");
  check(run.stage == job.stage && run.level == job.level, "another stage or level");
  check(run.virtualDeadlineUs == job.virtualDeadlinesUs[job.stage], "another virtual deadline");
  check(run.last == (job.stage + 1 == best->windows.size()), "last");
  check(!run.last || run.virtualDeadlineUs == run.members[0].deadlineUs,
        "virtual deadlines do not sum to the deadline");
  check(run.first == !job.started && run.members[0].token == job.token, "first, token");
  check(run.members[0].releaseUs == job.releaseUs && run.members[0].deadlineUs == job.deadlineUs,
        "release, deadline");
  check(!(now_ > job.deadlineUs && best->spec.lateJobs == LateJobs::Drop), "a late job was not dropped");
  note(run.stream * 8 + run.level);
  model_.dispatch(*best, run.stream, run.unit);
}

void Audit::checkDrop(const JobEnd& dropped, ContextRef ref) {
  const auto at = model_.tasks.find(dropped.task);
  check(at != model_.tasks.end() && at->second.job && !at->second.job->running, "dropped what was not ready");
  TaskModel& task = at->second;
  check(task.context == ref && task.spec.lateJobs == LateJobs::Drop && now_ > task.job->deadlineUs,
        "dropped wrongly");
  const TaskModel* best = model_.bestEligible(ref);
  check(best == nullptr || !model_.before(*best, task), "dropped before its turn");
  checkEnd(dropped, End::Dropped, task);
}

void Audit::checkEnd(const JobEnd& got, End how, TaskModel& task) {
  const TaskId id = task.id;
  check(got.end == how && got.task == id && got.token == task.job->token, "another end");
  check(got.responseUs == now_ - task.job->releaseUs, "response");
  check(got.missed == (now_ > task.job->deadlineUs), "missed");
  check((got.cause != MissCause::None) == (got.missed && how != End::Failed), "every miss has a cause");
  check(got.slotFreed == task.job->started, "slotFreed");
  endToken(got.token);
  const std::optional<Token> waiting = task.waiting;
  const Priority priority = (task.pending ? *task.pending : task.spec).priority;
  const std::optional<Expected> want = model_.end(task, how, now_);
  check((got.next != nullptr) == want.has_value(), "the waiting request");
  if (!want) return;
  TaskModel released;
  released.spec.priority = priority;
  checkRelease(*got.next, *want, *waiting, &released);
}

void Audit::checkState() {
  sched_.snapshot(snapshot_);
  check(snapshot_.tasks.size() == model_.tasks.size(), "number of tasks");
  for (const TaskSnapshot& got : snapshot_.tasks) {
    const auto at = model_.tasks.find(got.task);
    check(at != model_.tasks.end(), "a task that should be gone");
    const TaskModel& want = at->second;
    check(got.context == want.context, "a task's context");
    check(got.active == want.job.has_value() && got.waiting == want.waiting.has_value(), "active, waiting");
    check(got.stageCount == want.windows.size() && got.mretUs == want.mretUs(), "a task's MRET");
    for (std::uint32_t stage = 0; stage < got.stageCount; ++stage)
      check(snapshot_.stageMretUs[got.firstStage + stage] == want.mretUs(stage), "a stage's MRET");
    check(got.util.billionths == want.util(), "a task's utilization");
    check(got.counters == want.counters, "counters");
    check(got.migrations.count == want.migrations, "migrations");
    const Counters& n = got.counters;
    check(n.released == n.skipped + n.rejected + n.superseded + n.withdrawn + n.admitted + got.waiting,
          "releases do not add up");
    check(n.admitted == n.completed + n.dropped + n.failed + got.active, "jobs do not add up");
    note(n.completed);
  }
  for (const ContextSnapshot& got : snapshot_.contexts) {
    check(!model_.gone(got.context), "a context that should be gone");
    for (const Priority priority : {Priority::High, Priority::Low}) {
      const bool high = priority == Priority::High;
      check((high ? got.highTotal : got.lowTotal).billionths == model_.load(got.context, priority, false),
            "totals");
      check((high ? got.highActive : got.lowActive).billionths == model_.load(got.context, priority, true),
            "actives");
    }
    std::uint32_t busy = 0, ready = 0;
    for (const auto& [id, task] : model_.tasks) {
      if (!task.job || task.context != got.context) continue;
      ++(task.job->running ? busy : ready);
    }
    check(got.busyStreams == busy && got.readyUnits == ready, "busy streams, ready units");
  }
}

}  // namespace daris::sched
