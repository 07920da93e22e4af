// One context: its streams, its ready queue, its utilizations (eq. 4 to 7) and the slots of each class.
// Sums are kept as tasks and jobs come and go, so that an admission test never scans tasks.
#pragma once

#include <array>
#include <vector>

#include "sched/ready_queue.hpp"
#include "sched/snapshot.hpp"
#include "sched/streams.hpp"
#include "sched/types.hpp"

namespace daris::sched {

/// No job of the class can start here: the model is not loaded.
inline constexpr std::uint32_t kNoSlots = 0;

inline constexpr DurationUs kNoBound = INT64_MAX;

/// Running sums of one context.
struct ContextLoad {
  Utilization highTotal;  // eq. 4
  Utilization lowTotal;   // eq. 5
  Utilization highActive;
  Utilization lowActive;  // the LP part of eq. 7

  [[nodiscard]] Utilization total() const { return highTotal + lowTotal; }  // eq. 6
  [[nodiscard]] Utilization& totalOf(Priority priority) {
    return priority == Priority::High ? highTotal : lowTotal;
  }
  [[nodiscard]] Utilization& activeOf(Priority priority) {
    return priority == Priority::High ? highActive : lowActive;
  }
};

/// One class in one context: its slots, each for a unit of any capacity, and its units that do not run.
struct ClassSlots {
  std::uint32_t budget = UINT32_MAX;
  std::uint32_t used = 0;
  ReadyQueue without;    // units that would start, were there a slot
  ReadyQueue unstarted;  // of a class that joins: all that have not started, those without slot too
  ReadyQueue begun;      // of a class that joins: ready for a later stage
  DurationUs highDeadlineUs =
      kNoBound;  // of a class that joins: the smallest of its high-priority tasks here

  [[nodiscard]] bool isLoaded() const { return budget != kNoSlots; }
  [[nodiscard]] bool isBounded() const { return budget != UINT32_MAX; }
  [[nodiscard]] bool isFree() const { return used < budget; }
  [[nodiscard]] std::uint32_t left() const { return isFree() ? budget - used : 0; }
};

/// How many tasks of a UtilGroup are in a context, and have an active job there; by priority.
struct GroupCount {
  std::array<std::uint32_t, 2> tasks{};
  std::array<std::uint32_t, 2> active{};
};

struct Context {
  ContextState state = ContextState::Serving;
  std::uint32_t sms = 0;
  std::uint32_t tasks = 0;  // assigned here
  std::uint32_t units = 0;  // active here
  Streams streams;
  ReadyQueue ready;
  ContextLoad load;
  Wide runningRemaining = 0;             // sum of the remaining MRETs of running units
  std::uint32_t withoutSlot = 0;         // units in all `slots[..].without`
  std::vector<ClassSlots> slots;         // by class index
  std::vector<GroupCount> groups;        // by UtilGroup
  std::vector<std::uint32_t> plainHigh;  // its high-priority tasks of classes that do not join
  DurationUs plainSlackUs = kNoBound;    // the least D - MRET of these
  bool plainSlackIsOld = false;          // one of those MRETs changed
  DurationUs busyUs = 0;

  /// Drained: nothing will ever happen here again.
  [[nodiscard]] bool gone() const { return state == ContextState::Draining && tasks == 0 && units == 0; }

  /// Remaining MRETs of active units that run, or would run before a stage with this key.
  [[nodiscard]] Wide remainingBefore(const ReadyNodes& nodes, const ReadyKey& key) const {
    Wide sum = runningRemaining + ready.sumBefore(nodes, key);
    if (withoutSlot > 0)
      for (const ClassSlots& slot : slots) sum += slot.without.sumBefore(nodes, key);
    return sum;
  }
};

}  // namespace daris::sched
