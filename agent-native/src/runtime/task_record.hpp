// What the dispatcher keeps of one instance of a task: its terms, its inputs, its active job.
#pragma once

#include <memory>
#include <string>

#include "runtime/commands.hpp"
#include "runtime/release_grid.hpp"

namespace daris::runtime {

struct TaskRecord;

/// The job of a task that was admitted and has not ended; a task has at most one. The first job of a unit has
/// what all of them share: slot, unit, the instant of dispatch.
struct ActiveJob {
  RequestPtr input;            // what it computes on; null: the model's sample
  RequestPtr client;           // who waits for its end; null for a periodic job that nobody waits for
  PooledSlot* slot = nullptr;  // from its first stage on
  std::uint32_t form = 0;      // of the slot, that the unit runs in
  TaskRecord* next = nullptr;  // of the unit; null: the last
  std::uint32_t jobs = 1;      // of the unit
  engine::Urgency urgency = engine::Urgency::Urgent;  // of the unit
  sched::UnitId unit;
  TimeUs dispatchedUs = 0;    // of the stage that runs
  DurationUs executedUs = 0;  // each job's share of what the unit's stages have taken
  TimeUs deadlineUs = 0;
  std::uint32_t context = 0;
  bool missCounted = false;
};

/// What every release and every end touches stands first, close together.
struct TaskRecord {
  ReleaseGrid grid{1, 0};
  TimeUs dueUs = 0;    // Periodic: the next release
  TimeUs lastUs = 0;   // Periodic: the due instant of the last one
  RequestPtr newest;   // Periodic: the newest client input, kept until a newer one comes
  RequestPtr waiting;  // OnRequest: behind the active job, in the scheduler
  sched::TaskId id;
  sched::Priority priority = sched::Priority::Low;
  bool active = false;
  bool removed = false;
  std::shared_ptr<TaskStatistics> statistics;
  SlotPool* pool = nullptr;
  SlotPool* nextPool = nullptr;  // of the class that the task goes over to at the end of its active job
  ActiveJob job;

  InstanceId instance = 0;
  std::shared_ptr<const std::string> name;
  sched::ReleaseMode mode = sched::ReleaseMode::OnRequest;
  DurationUs deadlineUs = 0;
  std::uint32_t stages = 0;
};

}  // namespace daris::runtime
