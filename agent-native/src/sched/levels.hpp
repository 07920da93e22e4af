// The eight fixed priority levels of stages (section IV-B), and their ablations (VI-F).
#pragma once

#include "sched/types.hpp"

namespace daris::sched {

/// Level = 4 * (LP) + 2 * (not last) + (predecessor did not miss its virtual deadline); 0 is best.
[[nodiscard]] constexpr Level levelOf(const Policy& policy, Priority priority, bool last,
                                      bool predecessorMissed) {
  if (!policy.fixedPriorities) return 0;
  const bool boostedLast = last && policy.lastStageBoost;
  const bool boostedMiss = predecessorMissed && policy.missBoost;
  return static_cast<Level>(4 * (priority == Priority::Low) + 2 * !boostedLast + !boostedMiss);
}

}  // namespace daris::sched
