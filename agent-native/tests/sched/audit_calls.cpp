// What the values of a step mean, and the calls that they become.
#include <algorithm>
#include <array>
#include <tuple>

#include "auditor.hpp"

namespace daris::sched {

namespace {

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

/// How late a periodic release is handled: half of them at once, some by more than a period.
DurationUs lateness(const Step& step) {
  return (step.b & 1) == 0 ? 0 : (step.c & 3) == 0 ? step.c * 8 : step.c / 4;
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

}  // namespace

Audit::Audit()
    : config_(configOf(0x06, 0, 1)), sched_(std::move(Scheduler::create(config_).value())), model_(config_) {}

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
  const Release due{token, now_ - lateness(step)};
  check(!(periodic ? sched_.request(task->id, token, now_) : sched_.release(task->id, due, now_)).ok(),
        "the wrong kind of release was accepted");
  const auto got = periodic ? sched_.release(task->id, due, now_) : sched_.request(task->id, token, now_);
  check(got.ok(), "a release was refused");
  const ContextRef home = task->context;
  const TaskModel before = *task;
  const Expected want = periodic ? model_.release(*task, due, now_) : model_.request(*task, token, now_);
  if (got->decision != Decision::Early) open_.insert(token);
  if (want.superseded) endToken(*want.superseded);
  checkRelease(*got, want, token, &before);
  check(task->spec.priority == Priority::Low || task->context == home, "an HP task migrated");
}

/// A request that waits, or one that does not: that must be refused.
void Audit::withdraw(const Step& step) {
  TaskModel* task = pick(step.a, false);
  if (task == nullptr) return;
  const Token token = task->waiting.value_or(0);
  check(!sched_.withdraw(task->id, nextToken_).ok(), "a request that was never made was withdrawn");
  check(sched_.withdraw(task->id, token).ok() == task->waiting.has_value(), "withdraw");
  if (!task->waiting) return;
  model_.withdraw(*task);
  endToken(token);
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
  check(got->finished == last && (member.end != nullptr) == last, "finished");
  check(got->stream == task->job->stream && got->context == task->context, "stream of a completion");
  check(member.missedVirtualDeadline == late, "missed virtual deadline");
  check(member.mretUs == task->mretUs(stage), "MRET after the measurement");
  if (last) checkEnd(*member.end, End::Completed, *task);
}

void Audit::failOne(const Step& step) {
  TaskModel* task = pick(step.b, true);
  if (task == nullptr) return;
  const auto got = sched_.fail(task->job->unit, static_cast<StageIndex>(task->job->stage), now_);
  check(got.ok() && got->finished && got->members[0].end != nullptr, "fail() refused");
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
  switch (step.c % 9) {
    case 0:
      check(!sched_.release({id.index, id.generation + 1}, {0, now_}, now_).ok(),
            "an unknown id was released");
      break;
    case 7:
      check(!sched_.release(id, {0, now_ + 1}, now_).ok(), "a release after now was accepted");
      break;
    case 8:
      check(!sched_.withdraw({id.index, id.generation + 1}, 0).ok(), "an unknown id was withdrawn");
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

}  // namespace daris::sched
