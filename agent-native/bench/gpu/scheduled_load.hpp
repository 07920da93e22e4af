// Periodic tasks through the whole online phase, on the real dispatcher.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/engine.hpp"
#include "gpu/bare_loop.hpp"
#include "gpu/figures.hpp"
#include "gpu/plan.hpp"
#include "gpu/samples.hpp"
#include "gpu/task_group.hpp"
#include "trace/ring.hpp"

namespace daris::bench {

struct LoadTerms {
  engine::Partitioning partition;  ///< in force already
  sched::Policy policy{};
  std::vector<TaskGroup> groups{};
  std::vector<std::vector<sched::Capacity>> capacities{};  ///< by class; none: it is not joined
  std::uint32_t core = 0;                                  ///< the dispatcher's
  std::size_t most_releases = 0;                           ///< what the journal has room for
};

struct Served {
  Samples samples;
  std::vector<Window> windows;
  std::uint64_t omitted = 0;  ///< points of the grid that passed while the dispatcher was stalled
};

/// What happens while the tasks are served, on a thread of its own; answers the windows to look at.
using During = std::function<std::vector<Window>()>;

/// Serves the tasks while `during` runs and some time longer, so that what it looked at comes to its end
/// under the same load. `slots[class]` are lent to the dispatcher meanwhile, which writes its trace into
/// `ring`. Blocks. Throws what `during` throws.
[[nodiscard]] Served serve(engine::Engine& engine, trace::Ring& ring, std::vector<Slots>& slots,
                           const LoadTerms& terms, const During& during);

/// Records that a ring for `serve` holds.
inline constexpr std::size_t kRingRecords = 1 << 19;

}  // namespace daris::bench
