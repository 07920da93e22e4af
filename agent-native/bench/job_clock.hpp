// One job of a model, run bare and through the engine, and timed.
#pragma once

#include <cstdint>
#include <memory>

#include "base/event_fd.hpp"
#include "engine/engine.hpp"
#include "engine/openvino/slot.hpp"

namespace daris::bench {

/// The stages as bare OpenVINO calls: `infer()` after `infer()` on the calling thread, of the very requests,
/// compiled stages and buffers that the job it is compared with uses. Two compiled copies of one model differ
/// by more in their time, by where their memory happens to lie, than what is measured here.
class BareJob {
 public:
  /// `slot` is of the OpenVINO engine, and idle whenever run_ns is called.
  BareJob(engine::Slot& slot, std::uint32_t stages);
  /// Nanoseconds of one job. Throws std::runtime_error when a stage fails.
  [[nodiscard]] std::int64_t run_ns();

 private:
  engine::openvino::OpenvinoSlot& slot_;
  std::uint32_t stages_;
};

/// The stages through the engine: each launched by the thread that ended the one before.
class EngineJob : private engine::CompletionListener {
 public:
  EngineJob(engine::Engine& engine, const std::shared_ptr<const engine::LoadedModel>& model);
  ~EngineJob() { engine_.listen(nullptr); }
  EngineJob(const EngineJob&) = delete;
  EngineJob& operator=(const EngineJob&) = delete;
  /// Nanoseconds of one job. Throws std::runtime_error when a stage fails.
  [[nodiscard]] std::int64_t run_ns();
  [[nodiscard]] engine::Slot& slot() { return *slot_; }

 private:
  void completed() noexcept override;
  void launch(std::uint32_t stage);

  engine::Engine& engine_;
  std::uint32_t stages_;
  std::unique_ptr<engine::Slot> slot_;
  std::int64_t ended_ns_ = 0;
  bool failed_ = false;
  EventFd ended_;
};

}  // namespace daris::bench
