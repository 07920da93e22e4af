// The per-stage path allocates and frees nothing: release, request, withdraw, next, complete, fail,
// markOverdue, and a snapshot into storage that was used before. Its own program, since it counts all changes
// of the heap.
#include <vector>

#include "base/heap_changes.hpp"
#include "bed.hpp"

namespace daris::sched {
namespace {

constexpr std::uint32_t kContexts = 3;

struct Seen {
  std::uint64_t rejected = 0, migrated = 0, dropped = 0, waiting = 0, withdrawn = 0, early = 0, failed = 0,
                completed = 0;
};

TaskSpec specOf(std::uint64_t i) {
  TaskSpec spec =
      i % 3 == 0 ? highTask(1000, {40, 30, 20}, i) : lowTask(600 + 10 * static_cast<int>(i), {90, 90}, i);
  spec.releaseMode = i % 4 == 1 ? ReleaseMode::OnRequest : ReleaseMode::Periodic;
  spec.lateJobs = i % 2 == 0 ? LateJobs::Drop : LateJobs::Finish;
  if (spec.priority == Priority::Low) spec.context = ContextRef{0, 0};  // crowded: they must migrate
  spec.classId = static_cast<ClassId>(i % 3);
  return spec;
}

/// Thirty rounds of releases, dispatches and completions, some of them failing; nothing here allocates by
/// itself.
void traffic(Scheduler& sched, std::vector<TaskId>& tasks, std::vector<Dispatch>& running, TimeUs& now,
             Seen& seen) {
  for (int round = 0; round < 30; ++round) {
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      auto out = sched.release(tasks[i], {i, now}, now);
      if (!out.ok()) out = sched.request(tasks[i], i, now);
      if (!out.ok()) continue;  // removed meanwhile
      seen.rejected += out->decision == Decision::Rejected;
      seen.waiting += out->decision == Decision::Waiting;
      seen.early += out->decision == Decision::Early;
      seen.migrated += out->migratedFrom.has_value();
      if (out->decision == Decision::Waiting && i % 2 == 0)
        seen.withdrawn += sched.withdraw(tasks[i], i).ok();
    }
    for (std::uint32_t context = 0; context < kContexts; ++context) {
      for (Next next = *sched.next({0, context}, now); next.kind != NextKind::Idle;
           next = *sched.next({0, context}, now)) {
        seen.dropped += next.kind == NextKind::Drop;
        if (next.kind == NextKind::Run) running.push_back(next.run);
      }
    }
    now += 150;
    for (const Dispatch& stage : running) {
      const bool fails = (now / 150) % 7 == 0;
      const auto done =
          fails ? sched.fail(stage.unit, stage.stage, now) : sched.complete(stage.unit, stage.stage, 90, now);
      seen.failed += fails;
      seen.completed += done.ok();
    }
    running.clear();
    (void)sched.markOverdue(now);
  }
}

TEST(Allocation, ThePerStagePathAllocatesAndFreesNothing) {
  Policy policy;
  policy.mretAging = true;
  policy.admission = Admission::Predicted;
  Bed bed(partitionOf(kContexts, 2, policy));
  std::vector<TaskId> tasks;
  for (std::uint64_t i = 0; i < 40; ++i) tasks.push_back(bed.add(specOf(i)));
  ASSERT_TRUE(bed.sched.setSlots(1, {0, 0}, 1).ok());
  std::vector<Dispatch> running;
  running.reserve(64);
  TimeUs now = 0;
  Seen seen;
  bed.sched.snapshot(bed.snapshot);
  std::uint64_t changesSeen = 0;
  for (int pass = 0; pass < 5; ++pass) {
    // Changes between the passes may allocate; that they take effect later, at the end of a job, may not.
    for (std::size_t i = 0; i < tasks.size(); i += 3)
      (void)bed.sched.changeTask(tasks[i], specOf(i + 1), now);
    (void)bed.sched.removeTask(tasks[static_cast<std::size_t>(pass)], now);
    policy.staging = pass % 2 == 0;
    policy.admission = pass < 3 ? Admission::Utilization : Admission::Predicted;
    ASSERT_TRUE(bed.sched.configure(partitionOf(kContexts, 2, policy), now).ok());
    const std::uint64_t before = test::heap_changes();
    traffic(bed.sched, tasks, running, now, seen);
    bed.sched.snapshot(bed.snapshot);
    changesSeen += test::heap_changes() - before;
  }
  EXPECT_EQ(changesSeen, 0u);
  // The traffic must exercise every path.
  EXPECT_GT(seen.rejected, 0u);
  EXPECT_GT(seen.migrated, 0u);
  EXPECT_GT(seen.dropped, 0u);
  EXPECT_GT(seen.waiting, 0u);
  EXPECT_GT(seen.withdrawn, 0u);
  EXPECT_GT(seen.early, 0u);
  EXPECT_GT(seen.failed, 0u);
  EXPECT_GT(seen.completed, 500u);
}

}  // namespace
}  // namespace daris::sched
