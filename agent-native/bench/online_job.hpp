// One job of a model through the whole online phase: a request to the dispatcher, as a client's would come.
#pragma once

#include <memory>

#include "engine/engine.hpp"
#include "runtime/dispatcher.hpp"

namespace daris::bench {

/// One task alone on one context of one stream; its dispatcher shares the core with the stream's worker.
class OnlineJob {
 public:
  OnlineJob(engine::Engine& engine, std::shared_ptr<const engine::LoadedModel> model, std::uint32_t core);

  /// Nanoseconds from the release of a job to its completion, as the scheduler counts its response. Throws
  /// std::runtime_error when it was not completed.
  [[nodiscard]] std::int64_t run_ns();
  /// Idle between jobs.
  [[nodiscard]] engine::Slot& slot() { return *slot_; }

 private:
  void configure(engine::Engine& engine);
  void addSlot(engine::Engine& engine);
  void addTask();

  std::shared_ptr<const engine::LoadedModel> model_;
  runtime::SystemClock clock_;
  runtime::Channel<runtime::Event> events_{64};
  engine::Slot* slot_ = nullptr;  // the dispatcher's
  std::shared_ptr<engine::JobMemory> memory_;
  trace::Ring ring_{1 << 17};
  runtime::Dispatcher dispatcher_;
};

}  // namespace daris::bench
