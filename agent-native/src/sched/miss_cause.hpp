// Why a job was late: what held the streams while its stages waited, and how long its own stages ran.
// A wait is judged by the stream on which it ended; only the last few stages of a stream are remembered.
#pragma once

#include <array>

#include "sched/outcomes.hpp"
#include "sched/types.hpp"

namespace daris::sched {

/// A stage's hold of a stream, [startUs, endUs).
struct Hold {
  TaskId task;
  Level level = 0;
  TimeUs startUs = 0;
  TimeUs endUs = 0;
};

/// The last holds of one stream.
class StreamHistory {
 public:
  static constexpr std::uint32_t kDepth = 8;

  void push(const Hold& hold) {
    holds_[next_ % kDepth] = hold;
    ++next_;
  }

  /// Calls `visit(hold, overlapUs)` for the remembered holds that overlap [fromUs, now), newest first.
  template <typename Visit>
  void since(TimeUs fromUs, Visit visit) const {
    for (std::uint32_t i = 0; i < kDepth && i < next_; ++i) {
      const Hold& hold = holds_[(next_ - 1 - i) % kDepth];
      if (hold.endUs <= fromUs) return;
      visit(hold, hold.endUs - (hold.startUs > fromUs ? hold.startUs : fromUs));
    }
  }

 private:
  std::array<Hold, kDepth> holds_{};
  std::uint64_t next_ = 0;
};

/// What one job waited for, over all of its stages.
class WaitLedger {
 public:
  /// Adds a wait that began at `fromUs` and ended on a stream with this history, for a stage of `level`.
  void add(const StreamHistory& history, TimeUs fromUs, Level level) {
    history.since(fromUs, [&](const Hold& hold, DurationUs overlapUs) {
      if (hold.level > level) blockedUs_ += overlapUs;
      credit(hold.task, overlapUs);
    });
  }

  struct Behind {
    TaskId task;
    DurationUs us = 0;
  };

  /// The task that held streams longest meanwhile; `us` 0 if it never waited. Exact for up to kTasks tasks.
  [[nodiscard]] Behind longest() const {
    Behind best;
    for (const Behind& entry : behind_)
      if (entry.us > best.us) best = entry;
    return best;
  }

  /// Time behind stages of a lower level (priority inversion).
  [[nodiscard]] DurationUs blockedUs() const { return blockedUs_; }

 private:
  static constexpr std::size_t kTasks = 4;

  void credit(TaskId task, DurationUs us) {
    Behind* least = &behind_[0];
    for (Behind& entry : behind_) {
      if (entry.us > 0 && entry.task == task) {
        entry.us += us;
        return;
      }
      if (entry.us < least->us) least = &entry;
    }
    if (us > least->us) *least = {task, us};
  }

  std::array<Behind, kTasks> behind_{};
  DurationUs blockedUs_ = 0;
};

/// The cause of a miss, in the order in which causes are considered. `lateUs` > 0.
[[nodiscard]] constexpr MissCause causeOf(bool loading, DurationUs overrunUs, DurationUs blockedUs,
                                          DurationUs lateUs) {
  if (loading) return MissCause::Loading;
  if (overrunUs > lateUs) return MissCause::Overrun;
  if (blockedUs > lateUs) return MissCause::Blocked;
  return MissCause::Queued;
}

}  // namespace daris::sched
