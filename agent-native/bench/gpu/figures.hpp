// Figures of a run, as JSON.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "gpu/plan.hpp"
#include "gpu/samples.hpp"

namespace daris::bench {

/// An interval of the steady clock: what was released in it counts, and what ended in it makes the rate.
struct Window {
  std::string name;
  std::int64_t from_us = 0;
  std::int64_t to_us = 0;
};

/// Nearest-rank percentiles in microseconds; null where there is nothing.
[[nodiscard]] nlohmann::json spread(std::vector<std::int64_t> us);

/// Releases, ends, response times and sizes of units in a window: of High tasks, of Low ones, and of each
/// group. `batches[group]` elements make a job.
[[nodiscard]] nlohmann::json window_figures(const Samples& samples, std::span<const GroupPlan> groups,
                                            std::span<const std::uint32_t> batches, const Window& window);

}  // namespace daris::bench
