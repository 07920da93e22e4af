// Periodic tasks through the whole online phase, on the real dispatcher.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/engine.hpp"
#include "gpu/bare_loop.hpp"
#include "gpu/figures.hpp"
#include "gpu/journal.hpp"
#include "gpu/plan.hpp"

namespace daris::bench {

/// Tasks alike, with what their plan left open.
struct TaskGroup {
  GroupPlan plan;
  std::uint32_t tasks = 1;
  DurationUs period_us = 1;         ///< and the deadline
  std::vector<DurationUs> afet_us;  ///< of each stage, as told to the scheduler
};

struct LoadTerms {
  engine::Partitioning partition;  ///< in force already
  sched::Policy policy{};
  std::vector<TaskGroup> groups{};
  std::uint32_t core = 0;         ///< the dispatcher's
  std::size_t most_releases = 0;  ///< what the journal has room for
};

struct Served {
  std::unique_ptr<Journal> journal;  ///< finished
  std::vector<Window> windows;
  std::uint64_t omitted = 0;  ///< points of the grid that passed while the dispatcher was stalled
};

/// What happens while the tasks are served, on a thread of its own; answers the windows to look at.
using During = std::function<std::vector<Window>()>;

/// Serves the tasks while `during` runs and some time longer, so that what it looked at comes to its end
/// under the same load. `slots[class]` are lent to the dispatcher meanwhile. Blocks. Throws what `during`
/// throws.
[[nodiscard]] Served serve(engine::Engine& engine, std::vector<Slots>& slots, const LoadTerms& terms,
                           const During& during);

}  // namespace daris::bench
