// The same jobs through the whole online phase: periodic tasks that want more than the GPU can do.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/engine.hpp"
#include "gpu/bare_loop.hpp"
#include "runtime/dispatcher.hpp"

namespace daris::bench {

struct LoadTerms {
  engine::Partitioning partition;  ///< in force already
  std::uint32_t tasks = 32;        ///< dealt over the contexts
  DurationUs period_us = 1000;     ///< of each task; their releases are spread evenly over it
  DurationUs stage_us = 100;       ///< AFET told to the scheduler
  std::uint32_t core = 0;          ///< the dispatcher's
};

struct LoadCounts {
  std::uint64_t released = 0;
  std::uint64_t skipped = 0;
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;
};

/// Serves the tasks until the steady clock shows `until_us`, then lets them end. The slots are lent to the
/// dispatcher meanwhile. Blocks.
[[nodiscard]] LoadCounts run_scheduled(engine::Engine& engine, const engine::LoadedModel& model, Slots& slots,
                                       const LoadTerms& terms, std::int64_t until_us);

}  // namespace daris::bench
