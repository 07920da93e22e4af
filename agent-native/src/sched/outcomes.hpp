// What the scheduler answers to releases, completions and changes: plain values, no behaviour.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "sched/types.hpp"

namespace daris::sched {

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

/// What became of a release or a request. What it points to is valid until the next call on the scheduler.
struct ReleaseOutcome {
  Decision decision = Decision::Rejected;
  Token token = 0;
  std::uint64_t number = 0;                    // 0, 1, ... per task; skipped ones count, early ones do not
  Utilization util;                            // Admitted, Rejected: the task's, as tested
  JobId job;                                   // Admitted
  ContextRef context;                          // Admitted: where it runs
  std::optional<ContextRef> migratedFrom;      // Admitted: the task moved from there to `context`
  TimeUs deadlineUs = 0;                       // Admitted, Rejected: absolute
  std::span<const AdmissionTerms> tested;      // own context first, then by index; empty for HP without HPA
  const AdmissionTerms* admittedBy = nullptr;  // Admitted: the terms of `context`; null for HP without HPA
  std::optional<Token> superseded;             // Waiting
  TimeUs retryAtUs = 0;                        // Early: the first instant that would not be early
  /// Rejected: Utilization where (12) holds in no context, Predicted where it does and the job would be late.
  Admission rejectedBy = Admission::Utilization;
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

/// The end of a job. `next` is valid until the next call on the scheduler.
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
  const ReleaseOutcome* next = nullptr;  // the waiting request of the task, released at this instant
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

/// One job's part of a completed stage. `end` is valid until the next call on the scheduler.
struct MemberCompletion {
  JobId job;
  TaskId task;
  Token token = 0;
  std::uint64_t number = 0;
  bool missedVirtualDeadline = false;
  DurationUs mretUs = 0;        // of the stage at the unit's capacity, this measurement included
  const JobEnd* end = nullptr;  // set when it was the last stage
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

}  // namespace daris::sched
