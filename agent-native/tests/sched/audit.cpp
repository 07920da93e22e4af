// Each step is made on the scheduler and on the reference; the answers and then the snapshots must agree.
#include "audit.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "reference.hpp"

namespace daris::sched {

namespace {

using reference::Expected;
using reference::Reference;
using reference::TaskModel;

/// Thrown by check(), caught in audit(): the scheduler itself throws nothing.
struct Disagreement {
  std::string text;
};

void check(bool holds, const char* what) {
  if (!holds) throw Disagreement{what};
}

Config configOf(std::uint8_t a, std::uint8_t b, std::uint8_t c) {
  Config config;
  for (int gpu = 0; gpu <= (a & 1); ++gpu)
    config.gpus.push_back({64, 1u + ((a >> (1 + 2 * gpu)) & 3), 1u + ((a >> 5) % 3), 1});
  Policy& policy = config.policy;
  policy.mretWindow = 1 + (b & 3);
  policy.mretAging = (b & 4) != 0;
  policy.admission = (b & 8) != 0 ? Admission::Predicted : Admission::Utilization;
  policy.highPriorityAdmission = (b & 16) != 0;
  policy.staging = (c & 7) != 0;
  policy.lastStageBoost = (c & 8) == 0;
  policy.missBoost = (c & 16) == 0;
  policy.fixedPriorities = (c & 32) == 0;
  return config;
}

TaskSpec specOf(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint64_t order) {
  constexpr std::array<DurationUs, 4> kPeriodsUs = {60, 100, 200, 1000};
  TaskSpec spec;
  spec.priority = (a & 1) != 0 ? Priority::High : Priority::Low;
  spec.periodUs = kPeriodsUs[(a >> 1) & 3];
  spec.deadlineUs = (a & 8) != 0 ? spec.periodUs / 2 : spec.periodUs;
  spec.lateJobs = (a & 16) != 0 ? LateJobs::Drop : LateJobs::Finish;
  spec.releaseMode = (a & 32) != 0 ? ReleaseMode::OnRequest : ReleaseMode::Periodic;
  spec.classId = a >> 6;
  for (int stage = 0; stage <= b % 3; ++stage) spec.afetUs.push_back(1 + (b >> 2) / (1 + stage));
  if ((c & 3) == 1) spec.context = ContextRef{(c >> 2) & 1u, (c >> 3) & 3u};
  if ((c & 32) != 0) spec.releaseJitterUs = c >> 6;
  spec.order = order;
  return spec;
}

bool same(const Snapshot& x, const Snapshot& y) {
  const auto taskKey = [](const TaskSnapshot& t) {
    return std::tuple(t.task, t.context, t.active, t.waiting, t.draining, t.mretUs, t.util,
                      t.migrations.count);
  };
  const auto contextKey = [](const ContextSnapshot& c) {
    return std::tuple(c.context, c.busyStreams, c.readyUnits, c.highTotal, c.lowTotal, c.highActive,
                      c.lowActive);
  };
  return x.stageMretUs == y.stageMretUs && std::ranges::equal(x.tasks, y.tasks, {}, taskKey, taskKey) &&
         std::ranges::equal(x.tasks, y.tasks, {}, &TaskSnapshot::counters, &TaskSnapshot::counters) &&
         std::ranges::equal(x.contexts, y.contexts, {}, contextKey, contextKey);
}

class Audit {
 public:
  Audit()
      : config_(configOf(0x06, 0, 1)),
        sched_(std::move(Scheduler::create(config_).value())),
        model_(config_) {}

  void play(const Step& step);
  void drain();
  [[nodiscard]] std::uint64_t digest() const { return digest_; }

 private:
  void addTask(const Step& step);
  void changeTask(const Step& step);
  void removeTask(const Step& step);
  void release(const Step& step);
  void dispatch(ContextRef ref, int atMost);
  void completeOne(const Step& step);
  void failOne(const Step& step);
  void configure(const Step& step);
  void setSlots(const Step& step);
  void wrongCall(const Step& step);

  void checkRelease(const ReleaseOutcome& got, const Expected& want, Token token, const TaskModel* task);
  void checkDispatch(const Dispatch& run, ContextRef ref);
  void checkDrop(const JobEnd& dropped, ContextRef ref);
  void checkEnd(const JobEnd& got, End how, TaskModel& task);
  void checkState();
  void endToken(Token token);
  void note(std::uint64_t value) { digest_ = (digest_ ^ value) * 1099511628211u; }
  [[nodiscard]] TaskModel* pick(std::uint8_t which, bool running);

  Config config_;
  Scheduler sched_;
  Reference model_;
  TimeUs now_ = 0;
  Token nextToken_ = 1;
  std::uint64_t nextOrder_ = 0;
  std::set<Token> open_;  // released, and not yet ended
  Snapshot snapshot_;
  std::uint64_t digest_ = 14695981039346656037u;
};

/// The which-th task that is not removed, or that has a running stage.
TaskModel* Audit::pick(std::uint8_t which, bool running) {
  std::vector<TaskModel*> eligible;
  for (auto& [id, task] : model_.tasks)
    if (running ? task.job && task.job->running : !task.removed) eligible.push_back(&task);
  return eligible.empty() ? nullptr : eligible[which % eligible.size()];
}

void Audit::endToken(Token token) {
  check(open_.erase(token) == 1, "a release ended that was not open");
}

void Audit::play(const Step& step) {
  now_ += step.dt & 31;
  switch (step.kind % 16) {
    case 0:
      addTask(step);
      break;
    case 1:
      changeTask(step);
      break;
    case 2:
      removeTask(step);
      break;
    case 3:
    case 4:
    case 5:
    case 6:
      release(step);
      break;
    case 7:
    case 8:
      dispatch({step.a & 1u, (step.a >> 1) & 3u}, 1 + step.b % 4);
      break;
    case 9:
      for (std::uint32_t i = 0; i < 8; ++i) dispatch({i >> 2, i & 3}, 64);
      break;
    case 10:
    case 11:
    case 12:
      completeOne(step);
      break;
    case 13:
      step.a % 4 == 0 ? failOne(step) : wrongCall(step);
      break;
    case 14:
      step.a % 4 == 0 ? configure({step.kind, step.b, step.c, step.dt, 0}) : setSlots(step);
      break;
    default: {
      const auto marked = sched_.markOverdue(now_);
      check(marked.ok() && marked.value() == model_.markOverdue(now_), "markOverdue counts other jobs");
    }
  }
  checkState();
}

void Audit::addTask(const Step& step) {
  if (model_.tasks.size() >= 24) return;
  const TaskSpec spec = specOf(step.a, step.b, step.c, nextOrder_++);
  const auto added = sched_.addTask(spec, now_);
  if (spec.context && (!model_.contexts.contains(*spec.context) || !model_.contexts[*spec.context].serving)) {
    check(!added.ok() && added.error().code == ErrorCode::UnknownContext,
          "a context that is not there was accepted");
    return;
  }
  check(added.ok(), "addTask refused a valid spec");
  check(!model_.tasks.contains(added->task), "addTask gave an id twice");
  check(added->context == model_.add(added->task, spec), "addTask chose another context");
}

void Audit::changeTask(const Step& step) {
  TaskModel* task = pick(step.dt, false);
  if (task == nullptr) return;
  const TaskSpec spec = specOf(step.a, step.b, step.c, task->spec.order);
  const auto changed = sched_.changeTask(task->id, spec, now_);
  if (!changed.ok()) {
    check(changed.error().code == ErrorCode::UnknownContext && spec.context.has_value(),
          "changeTask refused");
    return;
  }
  const std::optional<Token> waiting = task->waiting;
  model_.change(*task, spec);
  const bool cancelled = waiting && !task->waiting;
  check(changed->cancelled == (cancelled ? waiting : std::nullopt), "changeTask cancelled another request");
  check(changed->deferred == task->job.has_value(), "changeTask: deferred");
  if (cancelled) endToken(*waiting);
}

void Audit::removeTask(const Step& step) {
  TaskModel* task = pick(step.a, false);
  if (task == nullptr) return;
  const bool draining = task->job.has_value();
  const auto removed = sched_.removeTask(task->id, now_);
  const std::optional<Token> cancelled = model_.remove(*task);
  check(removed.ok() && removed->cancelled == cancelled && removed->draining == draining, "removeTask");
  if (cancelled) endToken(*cancelled);
}

void Audit::release(const Step& step) {
  TaskModel* task = pick(step.a, false);
  if (task == nullptr) return;
  const ReleaseMode mode = (task->pending ? *task->pending : task->spec).releaseMode;
  const Token token = nextToken_++;
  const bool periodic = mode == ReleaseMode::Periodic;
  check(!(periodic ? sched_.request(task->id, token, now_) : sched_.release(task->id, token, now_)).ok(),
        "the wrong kind of release was accepted");
  const auto got = periodic ? sched_.release(task->id, token, now_) : sched_.request(task->id, token, now_);
  check(got.ok(), "a release was refused");
  const ContextRef home = task->context;
  const TaskModel before = *task;
  const Expected want = periodic ? model_.release(*task, token, now_) : model_.request(*task, token, now_);
  if (got->decision != Decision::Early) open_.insert(token);
  if (want.superseded) endToken(*want.superseded);
  checkRelease(*got, want, token, &before);
  check(task->spec.priority == Priority::Low || task->context == home, "an HP task migrated");
}

/// `task`: as it was before the release.
void Audit::checkRelease(const ReleaseOutcome& got, const Expected& want, Token token,
                         const TaskModel* task) {
  note(static_cast<std::uint64_t>(got.decision) * 64 + got.context.index);
  check(got.decision == want.decision, "another decision");
  check(got.token == token, "another token");
  check(got.superseded == want.superseded, "another request was superseded");
  check(got.migratedFrom == want.migratedFrom, "another migration");
  if (got.decision == Decision::Rejected || got.decision == Decision::Skipped) endToken(token);
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

void Audit::dispatch(ContextRef ref, int atMost) {
  for (int i = 0; i < atMost; ++i) {
    const auto next = sched_.next(ref, now_);
    if (model_.gone(ref)) {
      check(!next.ok() && next.error().code == ErrorCode::UnknownContext,
            "a context that is gone was served");
      return;
    }
    check(next.ok(), "next() refused");
    if (next->kind == NextKind::Idle) {
      check(!model_.lowestFree(ref) || model_.bestEligible(ref) == nullptr,
            "a stage waits beside a free stream");
      return;
    }
    if (next->kind == NextKind::Run) {
      checkDispatch(next->run, ref);
    } else {
      checkDrop(next->dropped, ref);
    }
  }
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
  check(got.next.has_value() == want.has_value(), "the waiting request");
  if (!want) return;
  TaskModel released;
  released.spec.priority = priority;
  checkRelease(*got.next, *want, *waiting, &released);
}

void Audit::completeOne(const Step& step) {
  TaskModel* task = pick(step.a, true);
  if (task == nullptr) return;
  const auto stage = static_cast<StageIndex>(task->job->stage);
  const DurationUs execUs = step.b / 2;
  const bool late = now_ > task->job->virtualDeadlinesUs[stage];
  const auto got = sched_.complete(task->job->unit, stage, execUs, now_);
  check(got.ok() && got->members.size() == 1, "complete() refused");
  const MemberCompletion& member = got->members[0];
  const bool last = model_.complete(*task, execUs, now_);
  check(got->finished == last && member.end.has_value() == last, "finished");
  check(got->stream == task->job->stream && got->context == task->context, "stream of a completion");
  check(member.missedVirtualDeadline == late, "missed virtual deadline");
  check(member.mretUs == task->mretUs(stage), "MRET after the measurement");
  if (last) checkEnd(*member.end, End::Completed, *task);
}

void Audit::failOne(const Step& step) {
  TaskModel* task = pick(step.b, true);
  if (task == nullptr) return;
  const auto got = sched_.fail(task->job->unit, static_cast<StageIndex>(task->job->stage), now_);
  check(got.ok() && got->finished && got->members[0].end.has_value(), "fail() refused");
  checkEnd(*got->members[0].end, End::Failed, *task);
}

void Audit::configure(const Step& step) {
  const Config config = configOf(step.a, step.b, step.c);
  check(sched_.configure(config, now_).ok(), "configure refused");
  config_ = config;
  model_.configure(config);
}

void Audit::setSlots(const Step& step) {
  const ClassId classId = step.b & 3;
  const ContextRef ref{(step.b >> 2) & 1u, (step.b >> 3) & 3u};
  const std::uint32_t slots = step.c % 4 == 3 ? kUnlimitedSlots : step.c % 4;
  const auto set = sched_.setSlots(classId, ref, slots);
  check(set.ok() == !model_.gone(ref), "setSlots");
  if (!set.ok()) return;
  model_.slots.erase({classId, ref});
  if (slots != kUnlimitedSlots) model_.slots[{classId, ref}] = slots;
}

/// Calls that must be refused; checkState() then sees that nothing changed, and `same` that nothing at all
/// did.
void Audit::wrongCall(const Step& step) {
  Snapshot before;
  sched_.snapshot(before);
  const TaskModel* task = pick(step.b, false);
  const TaskId id = task != nullptr ? task->id : TaskId{};
  const TaskModel* running = pick(step.b, true);
  const UnitId unit = running != nullptr ? running->job->unit : UnitId{};
  switch (step.c % 7) {
    case 0:
      check(!sched_.release({id.index, id.generation + 1}, 0, now_).ok(), "an unknown id was released");
      break;
    case 1:
      check(!sched_.complete(unit, 77, 1, now_).ok(), "a stage that does not run was completed");
      break;
    case 2:
      check(!sched_.complete({unit.index, unit.generation - 1}, 0, 1, now_).ok(), "an old unit ended");
      break;
    case 3:
      check(!sched_.next({9, 9}, now_).ok(), "an unknown context was served");
      break;
    case 4:
      check(!sched_.addTask({}, now_).ok(), "an empty spec was added");
      break;
    case 5:
      check(!sched_.complete(unit, 0, -1, now_).ok(), "a negative time was measured");
      break;
    default:
      check(!sched_.configure({}, now_).ok(), "an empty configuration was accepted");
  }
  Snapshot after;
  sched_.snapshot(after);
  check(same(before, after), "a refused call changed the state");
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
    check(n.released == n.skipped + n.rejected + n.superseded + n.admitted + got.waiting,
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

/// Lets every job end and removes every task: nothing may be left.
void Audit::drain() {
  for (std::uint32_t gpu = 0; gpu < 2; ++gpu)
    for (std::uint32_t index = 0; index < 4; ++index)
      for (ClassId classId = 0; classId < 4; ++classId)
        if (!model_.gone({gpu, index}))
          setSlots({0, 1, static_cast<std::uint8_t>(classId | gpu << 2 | index << 3), 3, 0});
  while (pick(0, false) != nullptr) removeTask({});
  for (int guard = 0; !model_.tasks.empty(); ++guard) {
    check(guard < 1000, "jobs do not end");
    ++now_;
    for (std::uint32_t i = 0; i < 8; ++i) dispatch({i >> 2, i & 3}, 64);
    while (pick(0, true) != nullptr) completeOne({0, 0, 20, 0, 0});
  }
  checkState();
  check(open_.empty(), "a release that never ended");
  for (const ContextSnapshot& context : snapshot_.contexts)
    check(context.state == ContextState::Serving && context.readyUnits == 0, "a context keeps residue");
}

}  // namespace

std::optional<std::string> audit(std::span<const Step> steps, std::uint64_t* digest) {
  Audit run;
  std::size_t at = 0;
  try {
    for (; at < steps.size(); ++at) run.play(steps[at]);
    run.drain();
  } catch (const Disagreement& disagreement) {
    return "step " + std::to_string(at) + ": " + disagreement.text;
  }
  if (digest != nullptr) *digest = run.digest();
  return std::nullopt;
}

std::vector<Step> stepsFrom(std::span<const std::uint8_t> bytes) {
  std::vector<Step> steps;
  for (std::size_t i = 0; i + 5 <= bytes.size(); i += 5)
    steps.push_back({bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3], bytes[i + 4]});
  return steps;
}

}  // namespace daris::sched
