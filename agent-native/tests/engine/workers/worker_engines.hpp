// Engines whose contexts are processes, without a GPU: each worker runs one that computes on the cores, or
// nothing.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/engine.hpp"
#include "engine/sim_packages.hpp"
#include "engine/workers/worker_engine.hpp"

namespace daris::test {

/// daris-worker with engine sim, or a worker with engine openvino.
[[nodiscard]] engine::workers::WorkerTerms worker_terms(const std::string& engine = "sim");

/// Engine sim of 132 SMs that has a process for each context in every mode.
[[nodiscard]] std::unique_ptr<engine::Engine> engine_in_workers();

/// Divides within this process, but in modes MPS and MPSStreams.
[[nodiscard]] std::unique_ptr<engine::Engine> handover_engine(const std::string& engine = "sim");

}  // namespace daris::test
