// AFET of a model whose contexts are processes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "engine/workers/remote_slot.hpp"

namespace daris::engine::workers {

struct MeasureTerms {
  std::uint32_t streams_per_context;
  std::uint32_t stages;
  std::uint32_t repetitions;
};

/// The mean time of each stage, from its launch to its end being seen, rounded up, microseconds: all `slots`,
/// one for each measuring stream, context by context, run the model over and over at the same time, until
/// each has done `repetitions` whole jobs while all others were busy, after one that does not count. Whoever
/// calls has the measuring rings for itself. Throws EngineError Cancelled, StageFailed.
[[nodiscard]] std::vector<std::int64_t> mean_stage_us(WorkerTeam& team,
                                                      std::span<const std::unique_ptr<RemoteSlot>> slots,
                                                      const MeasureTerms& terms, const std::stop_token& stop);

}  // namespace daris::engine::workers
