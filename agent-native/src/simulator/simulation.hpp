// One run of a scenario in virtual time, on the same scheduler core as the runtime.
#pragma once

#include "simulator/summary.hpp"
#include "simulator/trace.hpp"

namespace daris::simulator {

/// Runs a parsed scenario to its end. Deterministic: the trace and the result follow from the scenario alone.
RunResult simulate(const Scenario& scenario, Trace& trace);

}  // namespace daris::simulator
