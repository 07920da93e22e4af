// The scheduler core with a memory: each call goes to the core as it is, and what it was told and what it
// answered goes into a ring of records. Runtime and replay both call the core through this.
#pragma once

#include <vector>

#include "sched/scheduler.hpp"
#include "trace/ring.hpp"

namespace daris::trace {

/// Calls as Scheduler's, under the same rules; TaskSpec::order must name a task for ever. The calls of the
/// per-stage path write a few records of the ring and allocate nothing.
class RecordedScheduler {
 public:
  /// The ring must outlive it.
  static sched::Outcome<RecordedScheduler> create(const sched::Config& config, Ring& ring, TimeUs now);

  sched::Outcome<Done> configure(const sched::Config& config, TimeUs now);
  sched::Outcome<sched::Added> addTask(const sched::TaskSpec& spec, TimeUs now);
  sched::Outcome<sched::Changed> changeTask(sched::TaskId task, const sched::TaskSpec& spec, TimeUs now);
  sched::Outcome<sched::Removed> removeTask(sched::TaskId task, TimeUs now);
  sched::Outcome<Done> setCapacities(sched::ClassId classId, std::span<const sched::Capacity> capacities,
                                     TimeUs now);
  sched::Outcome<Done> setSlots(sched::ClassId classId, sched::ContextRef context, std::uint32_t slots,
                                TimeUs now);

  sched::Outcome<sched::ReleaseOutcome> release(sched::TaskId task, const sched::Release& release,
                                                TimeUs now);
  sched::Outcome<sched::ReleaseOutcome> request(sched::TaskId task, sched::Token token, TimeUs now);
  sched::Outcome<Done> withdraw(sched::TaskId task, sched::Token token, TimeUs now);
  sched::Outcome<sched::Next> next(sched::ContextRef context, TimeUs now);
  sched::Outcome<sched::StageCompletion> complete(sched::UnitId unit, sched::StageIndex stage,
                                                  DurationUs execUs, TimeUs now);
  sched::Outcome<sched::StageCompletion> fail(sched::UnitId unit, sched::StageIndex stage, TimeUs now);

  void snapshot(sched::Snapshot& out) const { scheduler_.snapshot(out); }
  void snapshotContexts(sched::Snapshot& out) const { scheduler_.snapshotContexts(out); }
  [[nodiscard]] std::optional<sched::TaskTotals> totals(sched::TaskId task) const {
    return scheduler_.totals(task);
  }

 private:
  /// What a record says of a task whose id an answer names.
  struct Known {
    std::uint32_t generation = 0;
    std::uint64_t order = kNoTask;
  };

  RecordedScheduler(sched::Scheduler scheduler, Ring& ring)
      : scheduler_(std::move(scheduler)), ring_(&ring) {}

  void configured(Kind kind, const sched::Config& config, TimeUs now);
  void know(sched::TaskId id, std::uint64_t order);
  [[nodiscard]] std::uint64_t orderOf(sched::TaskId id) const;
  /// Of a task that is there, as the core's answers name them.
  [[nodiscard]] std::uint64_t orderHere(sched::TaskId id) const { return known_[id.index].order; }

  [[nodiscard]] Record start(Kind kind, TimeUs now, sched::TaskId task) const;
  void stages(const sched::TaskSpec& spec, std::uint64_t task, TimeUs now);
  void released(Kind kind, sched::TaskId task, const sched::ReleaseOutcome& outcome, TimeUs nominalUs,
                TimeUs now);
  void decided(sched::TaskId task, const sched::ReleaseOutcome& outcome, TimeUs now);
  void admitted(sched::TaskId task, const sched::ReleaseOutcome& outcome, TimeUs now);
  void rejected(sched::TaskId task, const sched::ReleaseOutcome& outcome, TimeUs now);
  void dispatched(const sched::Dispatch& run, TimeUs now);
  void idle(sched::ContextRef context, TimeUs now);
  void completed(Kind kind, const sched::StageCompletion& done, DurationUs execUs, TimeUs now);
  void ended(Kind kind, const sched::JobEnd& end, sched::ContextRef context, TimeUs now);
  void wake(sched::ContextRef context) { quiet_[context.gpu][context.index] = 0; }
  void wakeAll();

  sched::Scheduler scheduler_;
  Ring* ring_;
  std::vector<Known> known_;                      // by TaskId::index
  std::vector<std::vector<std::uint8_t>> quiet_;  // by GPU and context: Idle, and nothing has changed since
};

}  // namespace daris::trace
