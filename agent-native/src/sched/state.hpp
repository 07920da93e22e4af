// The scheduler's state and the steps that its calls are made of; the rules themselves are in their own
// files. state_*.cpp: changes while running, joining, releases, dispatch, completion, snapshot.
#pragma once

#include <vector>

#include "sched/admission.hpp"
#include "sched/class_table.hpp"
#include "sched/joined_class.hpp"
#include "sched/partition.hpp"
#include "sched/pool.hpp"
#include "sched/records.hpp"
#include "sched/scheduler.hpp"

namespace daris::sched {

class Scheduler::State {
 public:
  explicit State(const Config& config);

  Outcome<Done> configure(const Config& config, TimeUs now);
  Outcome<Added> addTask(const TaskSpec& spec, TimeUs now);
  Outcome<Changed> changeTask(TaskId id, const TaskSpec& spec, TimeUs now);
  Outcome<Removed> removeTask(TaskId id, TimeUs now);
  Outcome<Done> setSlots(ClassId classId, ContextRef ref, std::uint32_t slots);
  Outcome<Done> setCapacities(ClassId classId, std::span<const Capacity> capacities);

  Outcome<ReleaseOutcome> release(TaskId id, const Release& release, TimeUs now);
  Outcome<ReleaseOutcome> request(TaskId id, Token token, TimeUs now);
  Outcome<Done> withdraw(TaskId id, Token token);
  Outcome<Next> next(ContextRef ref, TimeUs now);
  Outcome<StageCompletion> complete(UnitId id, StageIndex stage, DurationUs execUs, TimeUs now);
  Outcome<StageCompletion> fail(UnitId id, StageIndex stage, TimeUs now);

  Outcome<std::uint32_t> markOverdue(TimeUs now);
  void snapshot(Snapshot& out) const;
  void snapshotContexts(Snapshot& out) const;
  [[nodiscard]] std::optional<TaskTotals> totals(TaskId id) const;
  Outcome<std::span<const AdmissionTerms>> explain(TaskId id, TimeUs now);

 private:
  // ---- Checks, before anything changes ----
  [[nodiscard]] std::optional<Error> checkTime(TimeUs now) const;
  [[nodiscard]] std::optional<Error> checkRelease(TimeUs releaseUs, TimeUs now) const;
  [[nodiscard]] std::optional<Error> checkSpec(const TaskSpec& spec);
  [[nodiscard]] std::optional<Error> checkRunning(UnitId id, StageIndex stage, TimeUs now);
  [[nodiscard]] Task* findTask(TaskId id);
  void snapshotTasks(Snapshot& out) const;
  void snapshotCapacities(Snapshot& out) const;

  // ---- Tasks and contexts (state_tasks.cpp) ----
  std::optional<Token> cancelWaiting(Task& task);
  void prepare(TaskTerms& terms, const TaskSpec& spec);
  void applyChange(Task& task);
  void attach(Task& task, ContextRef ref);
  void detach(Task& task);
  void setUtil(Task& task);
  void settle(std::uint32_t taskIndex);
  void erase(std::uint32_t taskIndex);
  void releaseClass(TaskTerms& terms);
  void forgetClass(std::uint32_t classIndex);
  void changeOrDefer(Task& task, const TaskSpec& spec);
  void adoptPolicy(Task& task, bool restaged);
  void leaveDrainingContexts();
  void refreshEstimates();
  void refreshUnit(std::uint32_t unitIndex);

  // ---- Joining (state_joining.cpp) ----
  [[nodiscard]] bool isJoined(const TaskTerms& terms) const {
    return policy_.joining && terms.group != kNone;
  }
  [[nodiscard]] bool joins(std::uint32_t classIndex) const {
    return !joining_.empty() && classIndex < joined_.size() && joined_[classIndex].joins();
  }
  [[nodiscard]] const MretWindows& estimate(const TaskTerms& terms) const;
  [[nodiscard]] DurationUs queuedUs(const TaskTerms& terms) const;
  [[nodiscard]] Utilization utilOf(const Task& task) const;
  void load(const Task& task, bool added);
  void loadActive(const Task& task, bool added);
  void change(const Task& task, Utilization& (ContextLoad::*sumOf)(Priority),
              std::array<std::uint32_t, 2> GroupCount::*counts, bool added);
  void switchJoining(bool joining);
  [[nodiscard]] std::uint32_t takeGroup(std::uint32_t classIndex, DurationUs windowUs);
  void lookAtTasks();
  void lookAt(std::uint32_t taskIndex);
  [[nodiscard]] DurationUs slackUs(Context& context);
  void chooseCapacity(std::uint32_t classIndex);

  // ---- The start of units (state_forming.cpp) ----
  [[nodiscard]] std::optional<std::uint32_t> capacityToStart(Context& context, std::uint32_t unitIndex,
                                                             TimeUs now);
  void start(Context& context, std::uint32_t unitIndex, std::uint32_t stream, std::uint32_t capacity,
             TimeUs now);
  void join(Context& context, std::uint32_t unitIndex, std::uint32_t stream, TimeUs now);
  void leaveQueues(Context& context, std::uint32_t unitIndex);

  /// Calls `visit(jobIndex)` for the unit's jobs in order; the visit may end the job.
  template <typename Visit>
  void forEachJob(const Unit& unit, Visit visit) const {
    for (std::uint32_t jobIndex = unit.firstJob; jobIndex != kNone;) {
      const std::uint32_t following = jobs_[jobIndex].nextInUnit;
      visit(jobIndex);
      jobIndex = following;
    }
  }

  // ---- Releases (state_release.cpp) ----
  [[nodiscard]] Newcomer newcomer(const Task& task, TimeUs releaseUs, TimeUs now) const;
  ReleaseOutcome admit(std::uint32_t taskIndex, const Arrival& arrival, TimeUs now);
  [[nodiscard]] const AdmissionTerms* choose(const Task& task, const Newcomer& job);
  void testOthers(const Task& task, const Newcomer& job);
  void migrate(Task& task, ContextRef to, TimeUs now);
  void reject(Task& task);
  JobId startJob(std::uint32_t taskIndex, const Arrival& arrival);

  // ---- Dispatch and completion (state_dispatch.cpp, state_complete.cpp) ----
  void makeReady(std::uint32_t unitIndex, TimeUs sinceUs);
  void setAside(Context& context, std::uint32_t unitIndex);
  void bringBack(Context& context, std::uint32_t classIndex);
  [[nodiscard]] std::uint32_t bestOf(const Context& context) const;
  [[nodiscard]] bool isLate(const Unit& unit, TimeUs now) const;
  void tell(const Unit& unit, std::uint32_t unitIndex, Dispatch& out);
  void dispatch(Context& context, std::uint32_t unitIndex, std::uint32_t stream, std::uint32_t capacity,
                TimeUs now, Dispatch& out);
  void noteWait(const Unit& unit, const Context& context, std::uint32_t stream, TimeUs now);
  void drop(Context& context, std::uint32_t unitIndex, std::uint32_t stream, TimeUs now, JobEnd& out);
  void leaveStream(Unit& unit, DurationUs execUs, TimeUs now);
  void measure(Unit& unit, DurationUs execUs, TimeUs now);
  [[nodiscard]] static bool isFormed(const Unit& unit) { return unit.capacity != kNone; }
  [[nodiscard]] const MretWindows& windowsOf(const Unit& unit) const;
  void describeStage(const Unit& unit, DurationUs mretUs, TimeUs now);
  StageCompletion endStage(UnitId id, std::optional<End> end, TimeUs now);
  void endUnit(Unit& unit, std::uint32_t unitIndex);
  void endJob(std::uint32_t jobIndex, End end, const Unit& unit, TimeUs now, JobEnd& out);
  static void describeMiss(const Job& job, const WaitLedger& waits, DurationUs overrunUs, JobEnd& out);

  /// What the last result pointed to is void from now on.
  void forgetAnswer() {
    tested_.clear();
    released_.clear();
  }
  [[nodiscard]] std::uint32_t mostJobs() const;
  void reserveTested();

  Policy policy_;
  Partition partition_;
  ClassTable classes_;
  Pool<Task, TaskId> tasks_;
  Pool<Job, JobId> jobs_;
  StageTable stages_;              // by job
  std::vector<WaitLedger> waits_;  // by job
  Pool<Unit, UnitId> units_;
  ReadyNodes nodes_;
  ReadyNodes classNodes_;               // of ClassSlots::unstarted and begun
  std::vector<JoinedClass> joined_;     // by class index
  std::vector<std::uint32_t> joining_;  // class indices that join
  std::vector<UtilGroup> groups_;
  TimeUs lastUs_ = -kMaxTimeUs;

  // What the last result points to.
  std::vector<AdmissionTerms> tested_;
  std::vector<ReleaseOutcome> released_;  // of requests that waited
  std::array<UnitMember, kMaxUnitJobs> members_;
  std::vector<Candidate> candidates_;  // of the unit that is formed; kMaxUnitJobs are reserved
  std::array<MemberCompletion, kMaxUnitJobs> completions_;
  std::array<JobEnd, kMaxUnitJobs> ends_;
};

}  // namespace daris::sched
