// AFET on a GPU.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "engine/torch/lanes.hpp"
#include "engine/torch/slot.hpp"

namespace daris::engine::torch {

/// The mean time of each stage, from its launch to its end being seen, in nanoseconds: all `slots` run the
/// model over and over at the same time, one on each of their streams in `lanes`, until each has done
/// `repetitions` whole jobs while all others were busy, after one that does not count. Spins; with a `pace`,
/// which is for a slot that is alone, rests after each stage. Throws EngineError Cancelled, StageFailed.
[[nodiscard]] std::vector<std::int64_t> mean_stage_ns(Lanes& lanes,
                                                      std::span<const std::unique_ptr<TorchSlot>> slots,
                                                      std::uint32_t streams_per_context,
                                                      std::uint32_t repetitions, const std::stop_token& stop,
                                                      const Pace* pace = nullptr);

}  // namespace daris::engine::torch
