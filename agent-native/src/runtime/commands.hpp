// What crosses between the dispatcher and the rest of the process, by queues and one buffer.
//   commands ──► dispatcher ──► events (to the responder), snapshots (to whoever observes)
#pragma once

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/engine.hpp"
#include "runtime/request.hpp"
#include "runtime/slot_pool.hpp"
#include "runtime/statistics.hpp"
#include "sched/snapshot.hpp"
#include "sched/types.hpp"

namespace daris::runtime {

/// What a task runs by in the dispatcher.
struct TaskTerms {
  sched::TaskSpec spec;
  DurationUs offsetUs = 0;
};

// ---- Commands ----

/// Stands still while another thread divides the device, then schedules for what it became. Only while there
/// is neither task nor slot. `entered` is set once the dispatcher touches the engine no more; `divided` then
/// says what was wrong, or nothing. The dispatcher does not do it itself: the threads that execute streams
/// would inherit its priority.
struct Repartition {
  engine::Partitioning partition;
  sched::Policy policy;
  std::uint32_t units = 1;
  std::shared_ptr<std::promise<void>> entered;
  std::shared_future<std::optional<std::string>> divided;
};

struct ChangePolicy {
  sched::Policy policy;
};

/// Ahead of the class's slots and tasks: how many of its jobs may go together, and what that takes.
struct SetCapacities {
  sched::ClassId classId = 0;
  std::vector<sched::Capacity> capacities;
};

struct AddSlots {
  sched::ClassId classId = 0;
  std::uint32_t batch = 1;  // of one job
  std::vector<std::unique_ptr<engine::Slot>> slots;
  std::shared_ptr<engine::JobMemory> sample;  // with the first slots of a class
};

/// Its slots come back as ClassRetired. No task of the class may be there, but for draining ones.
struct RetireClass {
  sched::ClassId classId = 0;
};

struct AddTask {
  InstanceId instance = 0;
  TaskTerms terms;
  std::shared_ptr<const std::string> name;  // namespace/name
  std::shared_ptr<TaskStatistics> statistics;
};

struct ChangeTask {
  InstanceId instance = 0;
  TaskTerms terms;
};

struct RemoveTask {
  InstanceId instance = 0;
  bool returns = false;  // added again with the same statistics; points of its grid until then are skipped
};

/// The client of a request has gone: the request is not released if it waits for its task's active job.
struct Withdraw {
  InstanceId instance = 0;
  std::uint64_t sequence = 0;
};

/// No releases from now on; the dispatcher ends when the last active job has.
struct Drain {};

using Command = std::variant<RequestPtr, Withdraw, AddTask, ChangeTask, RemoveTask, SetCapacities, AddSlots,
                             RetireClass, ChangePolicy, Repartition, Drain>;

// ---- Events ----

struct Answered {
  RequestPtr request;
};

/// The input of a periodic task that is no longer needed; to be freed outside of the dispatcher.
struct Discarded {
  RequestPtr request;
};

/// A removed task has no job left.
struct TaskEnded {
  InstanceId instance = 0;
};

/// A task that the scheduler would not take; a bound of sched/ that plan() does not know.
struct TaskRefused {
  InstanceId instance = 0;
  std::string message;
};

struct ClassRetired {
  sched::ClassId classId = 0;
  SlotPool::Contents contents;
};

using Event = std::variant<Answered, Discarded, TaskEnded, TaskRefused, ClassRetired>;

// ---- Snapshots ----

struct TaskFigures {
  InstanceId instance = 0;
  std::uint32_t context = 0;
  DurationUs mretUs = 0;
  std::int64_t utilizationE9 = 0;
  std::uint32_t capacity = 1;  // n*
  TaskStatistics statistics;
};

struct ContextFigures {
  sched::ContextSnapshot scheduler;
  std::uint64_t busyUs = 0;
};

struct Figures {
  std::vector<TaskFigures> tasks;
  std::vector<ContextFigures> contexts;
  std::vector<sched::CapacitySnapshot> capacities;
  std::vector<DurationUs> stageMretUs;  // of these
};

}  // namespace daris::runtime
