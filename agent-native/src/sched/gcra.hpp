// Sporadic releases: the generic cell rate algorithm with period T and a tolerance.
// A client that keeps its period may jitter by the tolerance; one that exceeds it is told when to come again.
#pragma once

#include <algorithm>

#include "base/time.hpp"

namespace daris::sched {

class Gcra {
 public:
  /// The first instant at which a request would conform.
  [[nodiscard]] TimeUs earliest(DurationUs toleranceUs) const {
    return fresh_ ? -kMaxTimeUs : theoreticalArrivalUs_ - toleranceUs;
  }

  /// Whether a request at `now` conforms; if so it counts against the period.
  bool arrive(TimeUs now, DurationUs periodUs, DurationUs toleranceUs) {
    if (now < earliest(toleranceUs)) return false;
    theoreticalArrivalUs_ = (fresh_ ? now : std::max(now, theoreticalArrivalUs_)) + periodUs;
    fresh_ = false;
    return true;
  }

 private:
  TimeUs theoreticalArrivalUs_ = 0;
  bool fresh_ = true;
};

}  // namespace daris::sched
