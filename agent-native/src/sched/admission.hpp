// The admission test of one job against one context (inequalities 11 and 12), and the predicted finish.
// Pure: it reads the context's sums and decides nothing about where the job goes.
#pragma once

#include <algorithm>
#include <span>

#include "sched/context.hpp"

namespace daris::sched {

/// A job that asks to be let in.
struct Newcomer {
  Priority priority = Priority::Low;
  Utilization util;
  DurationUs mretUs = 0;
  TimeUs nowUs = 0;
  TimeUs deadlineUs = 0;   // absolute
  ReadyKey firstStageKey;  // as if no predecessor missed
  /// Of a class whose jobs may go together: its index, and the nodes of its queues; else kNoUnit and null.
  std::uint32_t classIndex = kNoUnit;
  const ReadyNodes* classNodes = nullptr;
};

/// Joined jobs wait in one long queue, which high-priority jobs that are still to come pass: it is worked off
/// with what those leave, N_s - U_h,total. Before the job goes also what its class has begun.
/// now + ceil(remaining MRETs / that) + mret.
[[nodiscard]] inline PredictedFinish predictJoined(const Context& context, const ReadyNodes& nodes,
                                                   const Newcomer& job) {
  const ReadyQueue& begun = context.slots[job.classIndex].begun;
  const Wide before = context.remainingBefore(nodes, job.firstStageKey) + begun.sumOf(*job.classNodes) -
                      begun.sumBefore(*job.classNodes, job.firstStageKey);
  Utilization left = capacityOf(context.streams.count());
  if (job.priority == Priority::Low) left -= context.load.highTotal;
  const Wide queued = (before * kBillion + left.billionths - 1) / left.billionths;
  return {static_cast<Wide>(job.nowUs) + queued + job.mretUs, 1};
}

/// N_s * now + (remaining MRETs that go before it) + N_s * mret, over N_s; see predictJoined for joined jobs,
/// of which (12) must hold.
[[nodiscard]] inline PredictedFinish predictFinish(const Context& context, const ReadyNodes& nodes,
                                                   const Newcomer& job) {
  if (job.classNodes != nullptr) return predictJoined(context, nodes, job);
  const std::uint32_t streams = context.streams.count();
  const Wide own = static_cast<Wide>(streams) * (static_cast<Wide>(job.nowUs) + job.mretUs);
  return {own + context.remainingBefore(nodes, job.firstStageKey), streams};
}

/// Inequality (12) for an LP job: U_l,active + u < N_s - U_h,total. For an HP job (HPA): U_h,active +
/// U_l,active + u < N_s. The sums of the context must not include the job itself.
[[nodiscard]] inline AdmissionTerms inequality(ContextRef ref, const Context& context, const Newcomer& job) {
  AdmissionTerms terms;
  terms.context = ref;
  terms.util = job.util;
  const Utilization capacity = capacityOf(context.streams.count());
  const bool high = job.priority == Priority::High;
  terms.active = high ? context.load.highActive + context.load.lowActive : context.load.lowActive;
  terms.remaining = high ? capacity : capacity - context.load.highTotal;
  terms.fits = terms.active + terms.util < terms.remaining;
  return terms;
}

/// The whole test under an admission policy. `needFinish` asks for the predicted finish even where only (12)
/// decides.
[[nodiscard]] inline AdmissionTerms testContext(ContextRef ref, const Context& context,
                                                const ReadyNodes& nodes, const Newcomer& job,
                                                Admission admission, bool needFinish) {
  AdmissionTerms terms = inequality(ref, context, job);
  terms.passes = terms.fits;
  if (!terms.fits || (!needFinish && admission == Admission::Utilization)) return terms;
  terms.predicted = predictFinish(context, nodes, job);
  if (admission == Admission::Predicted)
    terms.passes = terms.predicted->scaledUs <= static_cast<Wide>(terms.predicted->streams) * job.deadlineUs;
  return terms;
}

/// The test that refused a job which no context of `tested` took.
[[nodiscard]] inline Admission refusedBy(std::span<const AdmissionTerms> tested) {
  const bool fits = std::ranges::any_of(tested, &AdmissionTerms::fits);
  return fits ? Admission::Predicted : Admission::Utilization;
}

}  // namespace daris::sched
