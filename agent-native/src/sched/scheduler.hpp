// The DARIS online phase (section IV of the paper) as one single-threaded state machine.
// No clock, thread, I/O or exception; release, request, withdraw, next, complete and fail allocate nothing.
#pragma once

#include <memory>

#include "sched/outcomes.hpp"
#include "sched/snapshot.hpp"
#include "sched/types.hpp"

namespace daris::sched {

/// How many units of a class may be started and unfinished in a context; the default.
inline constexpr std::uint32_t kUnlimitedSlots = UINT32_MAX;

/// The scheduler of one or more GPUs.
///
/// Not thread-safe: one thread (the dispatcher) makes all calls. `now` never goes back between calls. On an
/// error the state is unchanged. Spans in results are valid until the next call. After every call that may
/// have made work ready or freed a stream (release, request, complete, fail, setSlots, configure), ask next()
/// for each context of that GPU until it says Idle; a migration or a dropped job may make another context
/// ready.
///
///   release/request ──► rejected | skipped | early | superseded | withdrawn
///        │ admitted
///        ▼        next()            complete(), more stages
///      ready ───────────► running ──────────────────────────► ready
///        │ late, Drop        │ complete(), last stage      │ fail()
///        ▼                   ▼                             ▼
///      dropped           completed                       failed
class Scheduler {
 public:
  /// Errors: InvalidConfig naming the field.
  static Outcome<Scheduler> create(const Config& config);

  Scheduler(Scheduler&&) noexcept;
  Scheduler& operator=(Scheduler&&) noexcept;
  ~Scheduler();

  // ---- Changes while running; these may allocate ----

  /// Replaces policy and partition. Contexts that are no longer there drain: their tasks move to others by
  /// Algorithm 1 as soon as they have no active job, what is in flight there is still served by next(). A GPU
  /// is known by its position. A change of `staging` or a task's move takes effect at the end of the task's
  /// active job. Levels of stages that become ready from now on follow the new policy. Errors: InvalidConfig,
  /// TimeWentBack, InvalidTime.
  Outcome<Done> configure(const Config& config, TimeUs now);

  /// Adds a task, to the context it names or to the least loaded one. Errors: InvalidSpec, UnknownContext,
  /// TimeWentBack.
  Outcome<Added> addTask(const TaskSpec& spec, TimeUs now);

  /// Replaces a task's spec. An active job ends under its old terms first (`deferred`). MRET windows are kept
  /// when the number of stages stays the same. Counters are kept. Errors: UnknownTask, InvalidSpec,
  /// UnknownContext, TimeWentBack.
  Outcome<Changed> changeTask(TaskId task, const TaskSpec& spec, TimeUs now);

  /// Removes a task. Its id is unknown from now on; an active job ends under its terms and is reported with
  /// this id. Errors: UnknownTask, TimeWentBack.
  Outcome<Removed> removeTask(TaskId task, TimeUs now);

  /// The capacities of a class, by which its jobs may go together under Policy::joining; ascending from 1.
  /// None, or 1 alone: they never do. The tasks of a class that joins are on one GPU and have as many stages.
  /// Kept until set to none. Errors: InvalidSpec, ClassInUse.
  Outcome<Done> setCapacities(ClassId classId, std::span<const Capacity> capacities);

  /// Bounds the started, unfinished units of a class in a context, whatever their capacities; 0 says that the
  /// model is not loaded there. May be set before any task of the class exists. It is kept until set to
  /// kUnlimitedSlots. A bound below what is started takes nothing away. Errors: UnknownContext.
  Outcome<Done> setSlots(ClassId classId, ContextRef context, std::uint32_t slots);

  // ---- The per-stage path: no allocation ----

  /// A periodic release: admitted, rejected or skipped. Deadline, virtual deadlines (eq. 8), the order of
  /// EDF, the response and what the job waited for count from `releaseUs`, so that a release which is handled
  /// late is not given more time; the predicted finish counts from `now`. `releaseUs` may lie before other
  /// calls' instants, and before the task's former release: a grid that is moved may step back. Errors:
  /// UnknownTask, WrongReleaseMode, TimeWentBack, InvalidTime (also for a release after `now`).
  Outcome<ReleaseOutcome> release(TaskId task, const Release& release, TimeUs now);

  /// A sporadic release: early by the GCRA, waiting behind the active job, or as release(). Its release is
  /// `now`; that of a request that waited is the end of the job before it. Errors: as release().
  Outcome<ReleaseOutcome> request(TaskId task, Token token, TimeUs now);

  /// Takes a waiting request back: no job comes of it. It did arrive, so it stays counted as released and
  /// against the GCRA. Errors: UnknownTask, NotWaiting.
  Outcome<Done> withdraw(TaskId task, Token token);

  /// The best ready stage for the lowest free stream of a context. Errors: UnknownContext, TimeWentBack,
  /// InvalidTime.
  Outcome<Next> next(ContextRef context, TimeUs now);

  /// A stage was seen complete; `execUs` is its time on the stream, copies included, queueing not. Must be
  /// the running stage of the unit. Errors: UnknownUnit, NotRunning, StageMismatch, TimeWentBack,
  /// InvalidTime.
  Outcome<StageCompletion> complete(UnitId unit, StageIndex stage, DurationUs execUs, TimeUs now);

  /// The engine failed on the running stage: the unit's jobs end as Failed, nothing is measured, a deadline
  /// that has passed counts as missed. Reported as a completion with `end` set. Errors: as complete().
  Outcome<StageCompletion> fail(UnitId unit, StageIndex stage, TimeUs now);

  // ---- Looking ----

  /// Counts a miss for every active job whose deadline has passed and that was not counted yet, and says how
  /// many. O(active jobs); call it before snapshot(). Errors: TimeWentBack, InvalidTime.
  Outcome<std::uint32_t> markOverdue(TimeUs now);

  /// Fills `out`, reusing its storage. Draining tasks and contexts are included until they are gone.
  void snapshot(Snapshot& out) const;

  /// The same without tasks.
  void snapshotContexts(Snapshot& out) const;

  /// Of one task; none if it does not exist. A draining one does no longer.
  [[nodiscard]] std::optional<TaskTotals> totals(TaskId task) const;

  /// The terms that a release at this instant would be tested with, own context first, without any effect.
  /// For words in a status. Errors: UnknownTask. The span is valid until the next call.
  Outcome<std::span<const AdmissionTerms>> explain(TaskId task, TimeUs now);

 private:
  class State;
  explicit Scheduler(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace daris::sched
