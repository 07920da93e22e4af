// What tasks, contexts and the scheduler's configuration are: plain values, no behaviour.
// Terms are the paper's; times are microseconds; utilizations are exact billionths (utilization.hpp).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
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
  LateJobs lateJobs = LateJobs::Finish;
  ReleaseMode releaseMode = ReleaseMode::Periodic;
  ClassId classId = 0;
  DurationUs periodUs = 0;         // 1..kMaxTimeUs
  DurationUs deadlineUs = 0;       // 1..periodUs
  std::uint64_t order = 0;         // breaks ties between tasks: the smaller goes first; keep it unique
  std::vector<DurationUs> afetUs;  // one per stage, each 1..kMaxTimeUs, 1..kMaxStages of them
  std::optional<DurationUs> releaseJitterUs;  // tolerance of the GCRA, 0..kMaxTimeUs; absent: periodUs / 2
  std::optional<ContextRef> context;          // absent: Algorithm 1 picks (addTask) or it stays (changeTask)
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

}  // namespace daris::sched
