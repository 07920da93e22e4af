// The rules of the scheduler once more, written the slow and plain way: lists, scans, no running sums.
// audit.cpp compares the scheduler with it, call by call.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "sched/scheduler.hpp"

namespace daris::sched::reference {

struct JobModel {
  Token token = 0;
  TimeUs releaseUs = 0;
  TimeUs deadlineUs = 0;
  std::vector<TimeUs> virtualDeadlinesUs;
  std::size_t stage = 0;
  bool running = false;
  bool started = false;
  bool predecessorMissed = false;
  bool missCounted = false;
  Level level = 0;
  std::uint32_t stream = 0;
  UnitId unit;
};

struct TaskModel {
  TaskId id;
  TaskSpec spec;                    // in force
  std::optional<TaskSpec> pending;  // from the end of the job
  std::vector<DurationUs> afetUs;   // of the stages as dispatched
  std::vector<std::deque<DurationUs>> windows;
  ContextRef context;
  std::optional<JobModel> job;
  std::optional<Token> waiting;
  std::optional<TimeUs> theoreticalArrivalUs;
  std::uint32_t rejectionsInRow = 0;
  std::uint64_t migrations = 0;
  bool removed = false;
  Counters counters;

  [[nodiscard]] DurationUs mretUs(std::size_t stage) const;
  [[nodiscard]] DurationUs mretUs() const;
  [[nodiscard]] Wide util() const;
};

/// The expected answer to a release.
struct Expected {
  Decision decision = Decision::Rejected;
  ContextRef context;
  std::optional<ContextRef> migratedFrom;
  std::optional<Token> superseded;
  Admission rejectedBy = Admission::Utilization;  // Rejected
};

struct ContextModel {
  std::uint32_t streams = 0;
  bool serving = false;
};

class Reference {
 public:
  explicit Reference(const Config& config) : policy(config.policy) { partition(config); }

  void configure(const Config& config);
  ContextRef add(TaskId id, const TaskSpec& spec);
  void change(TaskModel& task, const TaskSpec& spec);
  std::optional<Token> remove(TaskModel& task);
  Expected release(TaskModel& task, const Release& release, TimeUs now);
  Expected request(TaskModel& task, Token token, TimeUs now);
  void withdraw(TaskModel& task);
  /// What next() may start in a context: the best eligible ready job, or null.
  TaskModel* bestEligible(ContextRef ref);
  std::optional<std::uint32_t> lowestFree(ContextRef ref);
  void dispatch(TaskModel& task, std::uint32_t stream, UnitId unit);
  /// Measures and moves on; true when that was the last stage (the job is then to be ended).
  bool complete(TaskModel& task, DurationUs execUs, TimeUs now);
  /// Ends the job; the expected answer for the waiting request, if one is released.
  std::optional<Expected> end(TaskModel& task, End how, TimeUs now);
  std::uint32_t markOverdue(TimeUs now);

  [[nodiscard]] bool gone(ContextRef ref) const;
  [[nodiscard]] bool before(const TaskModel& a, const TaskModel& b) const;
  [[nodiscard]] bool passesUtilization(const TaskModel& task, ContextRef ref) const;
  /// N_s * now + sum + N_s * mret, for a job released at `releaseUs`.
  [[nodiscard]] Wide predicted(const TaskModel& task, ContextRef ref, TimeUs releaseUs, TimeUs now) const;
  [[nodiscard]] bool passes(const TaskModel& task, ContextRef ref, TimeUs releaseUs, TimeUs now) const;
  /// Sum of utilizations over the tasks of a context; `activeOnly`: with a job.
  [[nodiscard]] Wide load(ContextRef ref, Priority priority, bool activeOnly) const;

  std::map<ContextRef, ContextModel> contexts;
  std::map<std::pair<ClassId, ContextRef>, std::uint32_t> slots;
  std::map<TaskId, TaskModel> tasks;  // removed ones until their job ends
  Policy policy;

 private:
  void partition(const Config& config);
  void forgetGone();
  void restage(TaskModel& task);
  void apply(TaskModel& task);
  void leaveDraining(TaskModel& task);
  [[nodiscard]] ContextRef leastLoaded() const;
  [[nodiscard]] Level levelOf(const TaskModel& task, std::size_t stage, bool predecessorMissed) const;
  Expected admit(TaskModel& task, const Release& release, TimeUs now);
  void start(TaskModel& task, const Release& release);
};

}  // namespace daris::sched::reference
