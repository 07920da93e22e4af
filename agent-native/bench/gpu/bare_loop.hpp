// The roof of what a scheduler can reach: all streams replay their slots' stages, one job after the other,
// with nothing to decide.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/engine.hpp"

namespace daris::bench {

using Slots = std::vector<std::unique_ptr<engine::Slot>>;

/// What a bare loop replays: the stages of one of the slots' forms.
struct BareWork {
  std::uint32_t stages = 1;
  std::uint32_t form = 0;
};

/// Drives one slot on each stream until the steady clock shows `until_us`, then lets the last jobs end.
/// `slots` has one or more for each context; the first ones are taken. Spins on the calling thread. Throws
/// std::runtime_error where a stage fails.
void run_bare(engine::Engine& engine, const Slots& slots, const BareWork& work, std::int64_t until_us);

/// One job of this slot, alone. Spins as well.
void run_alone(engine::Engine& engine, engine::Slot& slot, std::uint32_t stages);

}  // namespace daris::bench
