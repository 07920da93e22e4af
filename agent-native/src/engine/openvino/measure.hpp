// AFET on a CPU.
#pragma once

#include <cstdint>
#include <stop_token>
#include <vector>

#include "engine/openvino/loaded_model.hpp"

namespace daris::engine::openvino {

/// The mean CPU time of each stage over `repetitions` runs of the whole model on the calling thread, in
/// nanoseconds, on the measuring copy and the package's samples, after one run that does not count. CPU time
/// is what the stage takes on a core of its own: preemption by live stages is not in it, so it may be called
/// in the background on a busy machine. Throws EngineError Cancelled, UnknownBatch, StageFailed.
[[nodiscard]] std::vector<std::int64_t> mean_stage_cpu_ns(const OpenvinoModel& model, std::uint32_t batch,
                                                          std::uint32_t repetitions,
                                                          const std::stop_token& stop);

}  // namespace daris::engine::openvino
