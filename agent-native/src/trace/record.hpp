// What the trace holds: one small record for each input of the scheduler core and for each of its decisions.
// Lists of varying length come as records of their own, just before the record that they belong to.
#pragma once

#include <cstdint>
#include <type_traits>

#include "sched/outcomes.hpp"
#include "sched/types.hpp"

namespace daris::trace {

enum class Kind : std::uint8_t {
  // Details, ahead of the record that they belong to.
  Gpu,    // of Start and Configure, one for each
  Stage,  // of Add, Change and Capacities: one AFET, one for each stage
  Terms,  // of Reject, one for each context that was tested
  // Calls: what the core was told, with the answer where it is a single one.
  Start,      // a scheduler without tasks begins
  Configure,  // policy or partition of the running one changed
  Add,
  Change,
  Remove,
  Capacities,
  Slots,
  Release,
  Request,
  Withdraw,
  Idle,      // next() found nothing to start, where something had changed before
  Dispatch,  // next() started a stage
  Drop,      // next() ended a late job
  Complete,
  Fail,
  // Decisions that follow a call.
  Migrate,  // ahead of its Admit
  Admit,
  Reject,
  Skip,
  Early,
  Waiting,
  Finish,
};

/// Whether a record says what the core was told; what follows it, up to the next such record, is its answer.
[[nodiscard]] constexpr bool isDetail(Kind kind) {
  return kind <= Kind::Terms;
}
[[nodiscard]] constexpr bool isCall(Kind kind) {
  return kind >= Kind::Start && kind <= Kind::Fail;
}

/// No task: a `behind` of nobody, or of a task that is gone.
inline constexpr std::uint64_t kNoTask = UINT64_MAX;

/// Utilizations are billionths and clamped to 64 bits, as are scaled predicted finishes: a figure for people
/// there, equal in the replay because it is clamped there too.
struct Record {
  struct Gpu {
    double oversubscription;
    std::uint32_t smCount, contexts, streams;
  };
  struct Stage {
    DurationUs afetUs;
  };
  struct Terms {
    std::int64_t active, remaining, predictedScaled;
    std::uint32_t streams;  // 0: no finish was predicted
    bool passes;
  };
  struct Configure {
    std::uint32_t gpus, mretWindow;
    bool mretAging, predicted, highPriorityAdmission, staging, lastStageBoost, missBoost, fixedPriorities,
        joining;
  };
  struct Add {  // Change too
    DurationUs periodUs, deadlineUs, jitterUs;
    std::int64_t util, total;
    std::uint32_t classId;
    bool high : 1, drop : 1, onRequest : 1, jitterGiven : 1, placed : 1;
    bool deferred : 1, cancelled : 1;  // Change alone
    std::uint8_t error;                // ErrorCode + 1; 0: accepted
  };
  struct Remove {
    bool draining, cancelled;
  };
  struct Capacities {  // each Stage before it has in `job` the jobs that its time is of
    std::uint32_t classId;
  };
  struct Slots {
    std::uint32_t classId, slots;
  };
  struct Release {  // Request too, whose nominal instant is its own; Withdraw has the token alone
    TimeUs nominalUs;
    std::uint64_t token;
    bool numbered;  // false: an early request, which has no number
  };
  struct Admit {
    std::int64_t util, active, remaining;
    TimeUs deadlineUs;
    bool tested;  // false: HP without HPA
  };
  struct Reject {
    std::int64_t util;
    TimeUs deadlineUs;
    std::uint32_t tested;
  };
  struct Migrate {
    std::int64_t predictedScaled;
    std::uint32_t streams, from;
  };
  struct Early {
    TimeUs retryAtUs;
  };
  struct Waiting {
    std::uint64_t superseded;
    bool supersedes;
  };
  struct Dispatch {
    TimeUs virtualDeadlineUs;
    std::uint16_t jobs, capacity;  // of the unit
    std::uint8_t level;
  };
  struct Complete {  // Fail too, without exec
    DurationUs execUs, mretUs;
    bool missed;  // its virtual deadline
  };
  struct Finish {  // Drop too
    DurationUs responseUs, lateUs, behindUs;
    std::uint64_t behind;
    sched::MissCause cause;
    sched::End end;
    bool missed;
  };

  TimeUs nowUs = 0;
  std::uint64_t task = kNoTask;  // TaskSpec::order, which the runtime gives to one task alone
  std::uint64_t job = 0;         // 0, 1, ... per task
  std::uint32_t context = 0;
  std::uint32_t stream = 0;
  std::uint32_t stage = 0;
  std::uint16_t gpu = 0;
  Kind kind = Kind::Idle;
  union {
    std::int64_t words[6] = {};
    Gpu gpuDetail;
    Stage stageDetail;
    Terms terms;
    Configure configure;
    Add add;
    Remove remove;
    Capacities capacities;
    Slots slots;
    Release release;
    Admit admit;
    Reject reject;
    Migrate migrate;
    Early early;
    Waiting waiting;
    Dispatch dispatch;
    Complete complete;
    Finish finish;
  };
};

static_assert(sizeof(Record) == 88 && std::is_trivially_copyable_v<Record>);

}  // namespace daris::trace
