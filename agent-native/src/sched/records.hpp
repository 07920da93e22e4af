// What the scheduler keeps of a task, a job and a unit. Plain records; the rules are in the other files.
// A task has at most one active job; a job belongs to one unit, whose jobs are a list. With thousands of
// tasks each line of the cache that a job is looked up in counts: what every stage needs is in the job, on
// one line.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "sched/gcra.hpp"
#include "sched/miss_cause.hpp"
#include "sched/mret_window.hpp"
#include "sched/outcomes.hpp"
#include "sched/snapshot.hpp"
#include "sched/types.hpp"
#include "sched/virtual_deadline.hpp"

namespace daris::sched {

inline constexpr std::uint32_t kNone = UINT32_MAX;

/// A request that waits for the end of its task's active job.
struct WaitingRequest {
  Token token = 0;
  std::uint64_t number = 0;
};

/// A release that a job may come of.
struct Arrival {
  Token token = 0;
  std::uint64_t number = 0;
  TimeUs releaseUs = 0;
};

/// The terms of a task that jobs are released under.
struct TaskTerms {
  std::uint32_t classIndex = kNone;  // ClassTable's
  std::uint32_t group = kNone;       // of a class that joins: the tasks with the same min(D, T)
  TaskSpec spec;
  MretWindows windows;  // of the stages as dispatched: one without staging
};

/// What every release and every end touches stands first, close together.
struct Task {
  std::uint32_t job = kNone;
  std::uint32_t rejectionsInRow = 0;
  bool removed = false;
  bool changePending = false;  // `change` is swapped in at the end of the active job, without allocating
  ContextRef context;
  Utilization util;  // what it adds to its context's sums, unless it is joined: then its group's is
  Counters counters;
  TaskTerms terms;
  std::uint64_t measuredBefore = 0;  // measurements of its joined class at the first rejection in a row
  std::optional<WaitingRequest> waiting;
  Gcra gcra;
  Migrations migrations;
  std::unique_ptr<TaskTerms> change;

  [[nodiscard]] bool active() const { return job != kNone; }

  /// The spec as last told, in force or not.
  [[nodiscard]] const TaskSpec& latestSpec() const { return changePending ? change->spec : terms.spec; }
};

/// All that its stages need, its StageTerms apart; what it waited for is kept beside it (State::waits_).
struct Job {
  TaskId task;
  std::uint32_t nextInUnit = kNone;
  Priority priority = Priority::Low;
  bool dropsLate : 1 = false;
  bool loading : 1 = false;
  bool predecessorMissed : 1 = false;
  bool missCounted : 1 = false;
  Token token = 0;
  std::uint64_t number = 0;
  std::uint64_t order = 0;  // of the task
  TimeUs releaseUs = 0;
  TimeUs deadlineUs = 0;
};
static_assert(sizeof(Job) + 8 == 64, "with what its pool adds it fills a line of the cache");

enum class UnitState : std::uint8_t { Ready, WithoutSlot, Running };

struct Unit {
  std::uint32_t firstJob = kNone;  // Job::nextInUnit leads on
  std::uint32_t jobCount = 0;
  std::uint32_t capacity = kNone;  // by index, once it was formed of a joined class
  UnitState state = UnitState::Ready;
  bool started = false;  // holds a slot
  std::uint32_t classIndex = kNone;
  ContextRef context;
  StageIndex stage = 0;
  std::uint32_t stageCount = 0;
  Level level = 0;
  std::uint32_t stream = 0;
  TimeUs sinceUs = 0;          // ready since (a first stage since its release), or running since
  DurationUs remainingUs = 0;  // MRETs of the stages not yet completed
  DurationUs overrunUs = 0;    // of its completed stages, over their MRETs at release, or at its forming
};

/// Tasks of a class that joins with the same min(D, T), and so the same utilization: when the class's MRETs
/// change, sums change by group and not by task.
struct UtilGroup {
  std::uint32_t classIndex = kNone;
  DurationUs windowUs = 0;
  std::uint32_t terms = 0;  // that name it; 0: free
  Utilization util;
};

}  // namespace daris::sched
