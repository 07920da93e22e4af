// What goes into the scheduler and what comes out of it: plain values, no behaviour.
// Terms are the paper's; times are microseconds; utilizations are exact billionths (utilization.hpp).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "sched/utilization.hpp"

namespace daris::sched {

// ---- Limits: beyond them a call answers InvalidConfig or InvalidSpec. They keep all arithmetic exact. ----
inline constexpr std::uint32_t kMaxStages = 256;
inline constexpr std::uint32_t kMaxMretWindow = 1024;
inline constexpr std::uint32_t kMaxGpus = 4096;
inline constexpr std::uint32_t kMaxContexts = 4096;  // of one GPU
inline constexpr std::uint32_t kMaxStreams = 1024;   // of one context
inline constexpr std::uint32_t kMaxTotalStreams = 1 << 18;
inline constexpr std::uint32_t kMaxUnitJobs = 256;
inline constexpr std::uint32_t kMaxCapacities = 16;  // of a class

// ---- Identity ----

/// Names a task of one scheduler. Generation-checked: the id of a removed task answers UnknownTask for ever.
struct TaskId {
  std::uint32_t index = UINT32_MAX;
  std::uint32_t generation = 0;
  friend constexpr auto operator<=>(const TaskId&, const TaskId&) = default;
};

/// Names one job (one released and admitted instance of a task).
struct JobId {
  std::uint32_t index = UINT32_MAX;
  std::uint32_t generation = 0;
  friend constexpr auto operator<=>(const JobId&, const JobId&) = default;
};

/// Names a unit: one or more jobs of a class that go through all stages together.
struct UnitId {
  std::uint32_t index = UINT32_MAX;
  std::uint32_t generation = 0;
  friend constexpr auto operator<=>(const UnitId&, const UnitId&) = default;
};

/// A context by its place: position of its GPU in Config::gpus, and index within it.
struct ContextRef {
  std::uint32_t gpu = 0;
  std::uint32_t index = 0;
  friend constexpr auto operator<=>(const ContextRef&, const ContextRef&) = default;
};

/// The caller's own name for a release or a request (a buffer, a call); handed back with every outcome of it.
using Token = std::uint64_t;

/// Tasks of one class share a model and a job shape, and thereby slots. Chosen by the caller.
using ClassId = std::uint32_t;

/// What the stages of a class take when up to `jobs` of its jobs go through them together.
struct Capacity {
  std::uint32_t jobs = 1;
  std::vector<DurationUs> afetUs;  // one per stage, each 1..kMaxTimeUs
};

/// 0-based position of a stage.
using StageIndex = std::uint32_t;

/// 0 (best) to 7: 4 * (LP) + 2 * (not last) + (predecessor did not miss).
using Level = std::uint8_t;

// ---- Configuration ----

enum class Priority : std::uint8_t { High, Low };

/// What becomes of a job whose deadline passed before a stage of it is dispatched.
enum class LateJobs : std::uint8_t { Finish, Drop };

/// Periodic tasks take `release`, OnRequest ones `request`.
enum class ReleaseMode : std::uint8_t { Periodic, OnRequest };

/// Utilization: inequality (12) alone, the paper's test. Predicted: and the predicted finish meets the
/// deadline.
enum class Admission : std::uint8_t { Utilization, Predicted };

/// One GPU's partition: N_c contexts of N_s streams. STR is N_c = 1, MPS is N_s = 1.
struct GpuConfig {
  std::uint32_t smCount = 1;
  std::uint32_t contexts = 1;
  std::uint32_t streamsPerContext = 1;
  double oversubscription = 1;  // OS, 1 <= OS <= N_c
};

/// Scheduling rules; the defaults are the paper's.
struct Policy {
  std::uint32_t mretWindow = 5;  // ws of eq. 1, 1..kMaxMretWindow
  bool mretAging = false;        // after ws rejections in a row the oldest measurements are dropped
  Admission admission = Admission::Utilization;
  bool highPriorityAdmission = false;  // HPA: HP jobs are tested too
  bool staging = true;                 // false: a job's stages are dispatched as one (No Staging)
  bool lastStageBoost = true;          // false: No Last
  bool missBoost = true;               // false: No Prior
  bool fixedPriorities = true;         // false: No Fixed, EDF over everything
  bool joining = false;                // jobs of a class may go together; needs `staging`
};

struct Config {
  std::vector<GpuConfig> gpus;
  Policy policy;
};

/// What the scheduler knows of a task.
struct TaskSpec {
  Priority priority = Priority::Low;
  DurationUs periodUs = 0;         // 1..kMaxTimeUs
  DurationUs deadlineUs = 0;       // 1..periodUs
  std::vector<DurationUs> afetUs;  // one per stage, each 1..kMaxTimeUs, 1..kMaxStages of them
  LateJobs lateJobs = LateJobs::Finish;
  ReleaseMode releaseMode = ReleaseMode::Periodic;
  std::optional<DurationUs> releaseJitterUs;  // tolerance of the GCRA, 0..kMaxTimeUs; absent: periodUs / 2
  ClassId classId = 0;
  std::uint64_t order = 0;            // breaks ties between tasks: the smaller goes first; keep it unique
  std::optional<ContextRef> context;  // absent: Algorithm 1 picks (addTask) or it stays (changeTask)
};

// ---- Errors: the call changed nothing ----

enum class ErrorCode : std::uint8_t {
  InvalidConfig,     // `what` names the field
  InvalidSpec,       // `what` names the field
  UnknownTask,       // never existed, or removed
  UnknownUnit,       // never existed, or ended
  UnknownContext,    // no such GPU or context, or drained and gone
  WrongReleaseMode,  // release() of an OnRequest task, request() of a Periodic one
  NotRunning,        // complete() of a unit that is not on a stream
  StageMismatch,     // complete() of another stage than the running one
  NotWaiting,        // withdraw() of a request that does not wait: released, replaced, or never made
  ClassInUse,        // setCapacities() of a class that has tasks
  InvalidTime,       // a negative execution time, a release after now, or an instant beyond +-kMaxTimeUs
  TimeWentBack,      // now is before an instant that was already told
};

struct Error {
  ErrorCode code;
  std::string_view what;  // static text: the field, and what would be accepted
};

template <typename T>
using Outcome = Result<T, Error>;

// ---- Release ----

/// A periodic release, by the instant from which its deadline and its response count.
struct Release {
  Token token = 0;
  TimeUs releaseUs = 0;  // the nominal instant: the grid's point, however late it is handled; at most now
};

/// An exact predicted finish: N_s * now + sum + N_s * mret, over N_s.
struct PredictedFinish {
  Wide scaledUs = 0;
  std::uint32_t streams = 1;

  /// The double nearest to scaledUs / streams, an absolute instant in microseconds.
  [[nodiscard]] double toDouble() const;
};

/// The numbers of inequality (12) for one context: active + util < remaining.
/// LP: active = U_l,active without the job, remaining = N_s - U_h,total (may be negative).
/// HP under HPA: active = U_h,active + U_l,active without the job, remaining = N_s.
struct AdmissionTerms {
  ContextRef context;
  Utilization active;
  Utilization util;
  Utilization remaining;
  bool fits = false;                         // inequality (12)
  std::optional<PredictedFinish> predicted;  // where it was needed: a candidate that fits, or Predicted
  bool passes = false;                       // fits, and under Predicted in time too
};

enum class Decision : std::uint8_t {
  Admitted,  // a job now runs or is ready; `job`, `context`
  Rejected,  // no context passed; `tested`
  Skipped,   // Periodic: the previous job is still active
  Early,     // OnRequest: sooner than the GCRA allows; `retryAtUs`
  Waiting,   // OnRequest: a job is active; released when it ends; `superseded` names the request it replaced
};

/// What became of a release or a request. `tested` is valid until the next call on the scheduler.
struct ReleaseOutcome {
  Decision decision = Decision::Rejected;
  Token token = 0;
  std::uint64_t number = 0;                  // 0, 1, ... per task; skipped ones count, early ones do not
  Utilization util;                          // Admitted, Rejected: the task's, as tested
  JobId job;                                 // Admitted
  ContextRef context;                        // Admitted: where it runs
  std::optional<ContextRef> migratedFrom;    // Admitted: the task moved from there to `context`
  TimeUs deadlineUs = 0;                     // Admitted, Rejected: absolute
  std::span<const AdmissionTerms> tested;    // own context first, then by index; empty for HP without HPA
  std::optional<AdmissionTerms> admittedBy;  // Admitted: the terms of `context`; absent for HP without HPA
  std::optional<Token> superseded;           // Waiting
  TimeUs retryAtUs = 0;                      // Early: the first instant that would not be early
};

// ---- Why a job ended, and why it was late ----

enum class MissCause : std::uint8_t {
  None,     // it was in time, or failed
  Loading,  // its class had no slot at all in its context: the model was not warm
  Overrun,  // its own stages ran longer than the MRETs at release, by more than the lateness
  Blocked,  // stages of a lower level held its stream while it waited, for longer than the lateness
  Queued,   // the rest: behind equal or better work
};

enum class End : std::uint8_t { Completed, Dropped, Failed };

/// The end of a job. Spans in `next` are valid until the next call on the scheduler.
struct JobEnd {
  End end = End::Completed;
  JobId job;
  TaskId task;
  Token token = 0;
  std::uint64_t number = 0;
  StageIndex stage = 0;       // the last one that ran, or would have
  DurationUs responseUs = 0;  // end - release
  DurationUs lateUs = 0;      // end - deadline, 0 when in time
  bool missed = false;        // its deadline had passed (Dropped: always)
  MissCause cause = MissCause::None;
  std::optional<TaskId> behind;  // the task that it waited behind longest, if it waited
  DurationUs behindUs = 0;
  bool slotFreed = false;
  std::optional<ReleaseOutcome> next;  // the waiting request of the task, released at this instant
};

// ---- Dispatch and completion ----

/// One job of a unit.
struct UnitMember {
  JobId job;
  TaskId task;
  Token token = 0;
  std::uint64_t number = 0;
  TimeUs releaseUs = 0;
  TimeUs deadlineUs = 0;         // absolute
  TimeUs virtualDeadlineUs = 0;  // of the stage, absolute
};

/// A stage to launch now. `members` is valid until the next call on the scheduler.
struct Dispatch {
  UnitId unit;
  std::span<const UnitMember> members;
  ClassId classId = 0;
  ContextRef context;
  std::uint32_t stream = 0;
  StageIndex stage = 0;
  StageIndex modelStages =
      1;               // how many of the model's stages this runs, from `stage` on; > 1 without staging
  bool first = false;  // takes a slot
  bool last = false;   // its completion ends the jobs
  Level level = 0;
  TimeUs virtualDeadlineUs = 0;  // absolute; with the level, of the unit's best job
  std::uint32_t capacity = 1;    // of the unit, in jobs: `members` may be fewer
};

enum class NextKind : std::uint8_t {
  Idle,  // no free stream, or no stage that may start
  Run,   // `run`: launch it, then ask again
  Drop,  // `dropped`: a late job ended instead (LateJobs::Drop), the stream is still free: ask again
};

struct Next {
  NextKind kind = NextKind::Idle;
  Dispatch run;
  JobEnd dropped;
};

/// One job's part of a completed stage.
struct MemberCompletion {
  JobId job;
  TaskId task;
  Token token = 0;
  std::uint64_t number = 0;
  bool missedVirtualDeadline = false;
  DurationUs mretUs = 0;      // of the stage at the unit's capacity, this measurement included
  std::optional<JobEnd> end;  // set when it was the last stage
};

/// A completed stage. `members` is valid until the next call on the scheduler.
struct StageCompletion {
  UnitId unit;
  StageIndex stage = 0;
  bool finished = false;
  ContextRef context;
  std::uint32_t stream = 0;  // free again
  std::span<const MemberCompletion> members;
};

// ---- Changes ----

struct Added {
  TaskId task;
  ContextRef context;
  Utilization util;
  Utilization total;  // the context's, after
};

struct Changed {
  bool deferred = false;           // a job is active: the change takes effect when it ends
  std::optional<Token> cancelled;  // a waiting request that the change to Periodic ended
};

struct Removed {
  bool draining = false;           // a job is active: it ends under its terms, then nothing is left
  std::optional<Token> cancelled;  // a waiting request that will not be released
};

// ---- Snapshot ----

/// Counters since the task was added; all of them only grow. released = skipped + rejected + superseded +
/// withdrawn + admitted + (1 if a request waits); admitted = completed + dropped + failed + (1 if a job is
/// active).
struct Counters {
  std::uint64_t released = 0;  // periodic releases, and requests that were not early
  std::uint64_t skipped = 0;
  std::uint64_t rejected = 0;
  std::uint64_t early = 0;
  std::uint64_t superseded = 0;  // waiting requests replaced by a newer one
  std::uint64_t withdrawn = 0;   // waiting requests taken back: by withdraw(), a change or a removal
  std::uint64_t admitted = 0;
  std::uint64_t completed = 0;
  std::uint64_t missed =
      0;  // counted once per admitted job, when its deadline passes (markOverdue) or at its end
  std::uint64_t dropped = 0;
  std::uint64_t failed = 0;
  std::uint64_t inTime = 0;  // completed by the deadline
  friend bool operator==(const Counters&, const Counters&) = default;
};

struct Migrations {
  std::uint64_t count = 0;
  ContextRef from;  // of the last one
  ContextRef to;
  TimeUs atUs = 0;
};

struct TaskSnapshot {
  TaskId task;
  std::uint64_t order = 0;
  Priority priority = Priority::Low;
  ContextRef context;
  bool active = false;
  bool waiting = false;
  bool draining = false;         // removed, its last job still active
  DurationUs afetUs = 0;         // sum over stages
  DurationUs mretUs = 0;         // sum over stages (eq. 2)
  Utilization util;              // eq. 3
  std::uint32_t firstStage = 0;  // its per-stage MRETs: Snapshot::stageMretUs[firstStage .. +stageCount)
  std::uint32_t stageCount = 0;
  DurationUs executionUs = 0;  // time that its stages held streams, its share of units of several jobs
  std::uint32_t capacity = 1;  // n*, in jobs: what `mretUs` and `util` are counted with
  std::uint64_t startedJobs = 0;
  std::uint64_t unitJobs = 0;  // jobs of the units that these went in, themselves included
  Counters counters;
  Migrations migrations;
};

enum class ContextState : std::uint8_t { Serving, Draining };

struct ContextSnapshot {
  ContextRef context;
  ContextState state = ContextState::Serving;
  std::uint32_t streams = 0;
  std::uint32_t sms = 0;  // eq. 9
  std::uint32_t busyStreams = 0;
  std::uint32_t readyUnits = 0;
  DurationUs busyUs = 0;  // time that completed stages held its streams
  Utilization highTotal;  // eq. 4
  Utilization lowTotal;   // eq. 5
  Utilization highActive;
  Utilization lowActive;  // LP part of eq. 7
};

/// A capacity of a class that joins, each stage of which some unit of it has run.
struct CapacitySnapshot {
  ClassId classId = 0;
  std::uint32_t jobs = 1;
  std::uint32_t firstStage = 0;  // its MRETs: Snapshot::stageMretUs[firstStage .. +stageCount)
  std::uint32_t stageCount = 0;
};

/// Filled by Scheduler::snapshot; its vectors are reused, so that repeated calls allocate nothing.
struct Snapshot {
  std::vector<TaskSnapshot> tasks;           // in no particular order
  std::vector<ContextSnapshot> contexts;     // by GPU, then index; drained contexts are left out
  std::vector<CapacitySnapshot> capacities;  // ascending within a class
  std::vector<DurationUs> stageMretUs;
};

}  // namespace daris::sched
