// A second model comes while tasks are served: what its loading does to them, phase by phase.
#pragma once

#include <vector>

#include "engine/engine.hpp"
#include "gpu/busy_rounds.hpp"
#include "gpu/figures.hpp"
#include "gpu/plan.hpp"

namespace daris::bench {

/// After a warm-up looks on for `seconds`, then loads, measures and captures the model as the runtime would,
/// then looks on again: windows before, load, measure, firstSlot,
/// otherSlots, during (these four), after and destroySlots. Blocks; throws what the engine
/// throws.
[[nodiscard]] std::vector<Window> load_beside(engine::Engine& engine, const BesidePlan& plan,
                                              std::uint32_t repetitions, double warm_up_seconds,
                                              double seconds);

/// One window of this length, after a warm-up; `rounds` are open in it.
[[nodiscard]] std::vector<Window> look_on(double warm_up_seconds, double seconds, BusyRounds& rounds);

}  // namespace daris::bench
