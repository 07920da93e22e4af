// The online phase on one device: joins scheduler, engine, slots and clients. One thread, no blocking.
// Per stage it neither locks, allocates, logs nor calls the kernel, but for what the engine's launch does.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "runtime/channel.hpp"
#include "runtime/clock.hpp"
#include "runtime/commands.hpp"
#include "runtime/task_record.hpp"
#include "runtime/timetable.hpp"
#include "trace/recorded_scheduler.hpp"

namespace daris::runtime {

/// Owned and called by the dispatcher thread alone. At one instant the caller asks for completions first,
/// then commands, then releaseDue, then dispatch (scenario-format: order at one instant).
class OnlinePhase {
 public:
  OnlinePhase(engine::Engine& engine, const Clock& clock, Channel<Event>& events, trace::Ring& ring);

  /// Changes may allocate; a request does not.
  void apply(Command&& command);

  /// A stage has ended: tells the scheduler, and the client if it was the last.
  void completed(const engine::Completion& completion);

  /// Releases all periodic jobs that are due, in task order. Whether there were any.
  bool releaseDue();

  /// Starts stages until no stream is free or no stage is ready.
  void dispatch();

  /// Counts a miss of each active job whose deadline has passed.
  void markOverdue();

  /// Looks at the wall clock again; where it was stepped, the next releases move onto its grid.
  void realign();

  /// The next periodic release; kNever without one.
  [[nodiscard]] TimeUs nextReleaseUs() const { return draining_ ? kNever : releases_.nextUs(); }
  [[nodiscard]] bool active() const { return activeJobs_ > 0; }
  /// Whether there is any task, draining ones included.
  [[nodiscard]] bool serving() const { return !records_.empty(); }
  [[nodiscard]] bool drained() const { return draining_ && activeJobs_ == 0; }

  /// Fills `out`, reusing its storage.
  void observe(Figures& out);

 private:
  // Commands, one overload each.
  void on(RequestPtr&& request);
  void on(Withdraw&& command);
  void on(AddTask&& command);
  void on(ChangeTask&& command);
  void on(RemoveTask&& command);
  void on(SetCapacities&& command);
  void on(AddSlots&& command);
  void on(RetireClass&& command);
  void on(ChangePolicy&& command);
  void on(Repartition&& command);
  void on(Drain&& command);

  void takeTerms(TaskRecord& record, const TaskTerms& terms);
  void skipWhileAway(TaskRecord& record);
  void withdrawn(TaskRecord& record, Answer kind);
  void renew(TaskRecord& record, RequestPtr request);
  void dropNewest(TaskRecord& record, Answer kind);
  void release(TaskRecord& record, TimeUs pointUs, TimeUs now, std::int64_t wallUs);
  void decided(TaskRecord& record, const sched::ReleaseOutcome& outcome, RequestPtr request);
  void admitted(TaskRecord& record, const sched::ReleaseOutcome& outcome, RequestPtr request);
  void launch(const sched::Dispatch& run);
  void gather(const sched::Dispatch& run);
  void collect(const TaskRecord& first);
  void goOver(TaskRecord& record);
  void tellEnds(const sched::StageCompletion& completion, DurationUs executedUs, const char* error);
  void ended(TaskRecord& record, const sched::JobEnd& end, DurationUs executedUs, const char* error);
  void answerEnd(RequestPtr client, const sched::JobEnd& end, std::uint32_t context, const char* error);
  void answer(RequestPtr request, Answer kind);
  void reject(RequestPtr request, const TaskRecord& record, const sched::ReleaseOutcome& outcome);
  void discard(RequestPtr request);
  void forget(TaskRecord& record);
  void retireIfIdle(SlotPool& pool);
  void scheduleReleases();
  void observeTasks(Figures& out);

  [[nodiscard]] TaskRecord* find(InstanceId instance);
  [[nodiscard]] std::shared_ptr<const std::string> nameOf(sched::TaskId id) const;
  [[nodiscard]] TaskRecord& recordOf(sched::TaskId id) { return *byIndex_[id.index]; }
  [[nodiscard]] std::int64_t wallMinusSteadyUs() const { return clock_.wallUs() - clock_.steadyUs(); }

  engine::Engine& engine_;
  const Clock& clock_;
  Channel<Event>& events_;
  trace::Ring& ring_;                                  // what the scheduler is told and decides
  std::optional<trace::RecordedScheduler> scheduler_;  // once the device was partitioned
  sched::Config config_;
  std::map<InstanceId, TaskRecord> records_;  // in order of instance, which is the scheduler's order of tasks
  std::vector<TaskRecord*> byIndex_;          // by TaskId::index; draining tasks included
  std::map<sched::ClassId, SlotPool> pools_;
  std::vector<sched::ClassId> retiring_;
  std::vector<sched::ClassId> joinable_;  // whose capacities the scheduler was told
  std::vector<std::uint64_t> busyUs_;     // by context
  std::size_t activeJobs_ = 0;
  Timetable releases_;            // of the periodic tasks that were not removed
  std::int64_t alignedToUs_ = 0;  // wall minus steady when the grid was last looked at
  bool draining_ = false;
  sched::Snapshot snapshot_;
};

}  // namespace daris::runtime
