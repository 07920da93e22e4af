// What the scheduler shows of itself: plain values, no behaviour.
#pragma once

#include <cstdint>
#include <vector>

#include "sched/types.hpp"

namespace daris::sched {

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
  std::uint32_t capacity = 1;  // n*, in jobs: what `mretUs` and `util` are counted with
  Counters counters;
  Migrations migrations;
};

/// What admission counts a task with at present, and where.
struct TaskTotals {
  ContextRef context;
  DurationUs mretUs = 0;       // sum over stages (eq. 2)
  Utilization util;            // eq. 3
  std::uint32_t capacity = 1;  // n*, in jobs
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
