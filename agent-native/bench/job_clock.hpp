// One job of a model, run in the two ways that the benchmark compares, and timed.
#pragma once

#include <cstdint>
#include <memory>
#include <openvino/runtime/infer_request.hpp>
#include <vector>

#include "engine/engine.hpp"
#include "engine/openvino/slot.hpp"

namespace daris::bench {

/// The stages as bare OpenVINO calls: `infer()` after `infer()` on the calling thread,
/// compiled as the engine does.
class BareJob {
 public:
  explicit BareJob(const engine::openvino::OpenvinoModel& model);
  /// Nanoseconds of one job.
  [[nodiscard]] std::int64_t run_ns();

 private:
  engine::openvino::TensorSet tensors_;
  std::vector<ov::InferRequest> requests_;
};

/// The stages through the engine: the calling thread launches each and sleeps until its completion.
class EngineJob {
 public:
  EngineJob(engine::Engine& engine, const std::shared_ptr<const engine::LoadedModel>& model);
  /// Nanoseconds of one job. Throws std::runtime_error when a stage fails.
  [[nodiscard]] std::int64_t run_ns();

 private:
  void run_stage(std::uint32_t stage);

  engine::Engine& engine_;
  std::uint32_t stages_;
  std::unique_ptr<engine::Slot> slot_;
};

}  // namespace daris::bench
