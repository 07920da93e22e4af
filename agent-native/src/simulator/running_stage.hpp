// A stage on its stream, until it completes.
#pragma once

#include <tuple>

#include "sched/types.hpp"

namespace daris::simulator {

/// Ordered as completions of one instant are.
struct RunningStage {
  TimeUs atUs = 0;  // when it completes
  sched::ContextRef context;
  std::uint32_t stream = 0;
  sched::UnitId unit;
  sched::StageIndex stage = 0;
  DurationUs execUs = 0;

  friend bool operator>(const RunningStage& a, const RunningStage& b) {
    return std::tie(a.atUs, a.context, a.stream) > std::tie(b.atUs, b.context, b.stream);
  }
};

}  // namespace daris::simulator
