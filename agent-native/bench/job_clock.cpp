#include "job_clock.hpp"

#include <poll.h>

#include <chrono>
#include <stdexcept>

namespace daris::bench {
namespace {

constexpr std::uint32_t kBatch = 1;

std::int64_t now_ns() {
  using std::chrono::steady_clock;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace

BareJob::BareJob(engine::Slot& slot, std::uint32_t stages)
    : slot_(static_cast<engine::openvino::OpenvinoSlot&>(slot)), stages_(stages) {}

std::int64_t BareJob::run_ns() {
  constexpr std::uint32_t kStream = 0;
  constexpr std::uint32_t kForm = 0;
  const char* error = nullptr;
  const std::int64_t start = now_ns();
  for (std::uint32_t stage = 0; stage < stages_ && error == nullptr; ++stage)
    error = slot_.infer(stage, kStream, kForm);
  const std::int64_t took = now_ns() - start;
  if (error != nullptr) throw std::runtime_error(error);
  return took;
}

EngineJob::EngineJob(engine::Engine& engine, const std::shared_ptr<const engine::LoadedModel>& model)
    : engine_(engine),
      stages_(static_cast<std::uint32_t>(model->manifest().stages.size())),
      slot_(engine.create_slot(model, 0, {kBatch})) {
  engine_.listen(this);
}

std::int64_t EngineJob::run_ns() {
  const std::int64_t start = now_ns();
  launch(0);
  pollfd waiting{.fd = ended_.get(), .events = POLLIN, .revents = 0};
  (void)::poll(&waiting, 1, -1);
  ended_.clear();
  if (failed_) throw std::runtime_error("a stage failed");
  return ended_ns_ - start;
}

void EngineJob::launch(std::uint32_t stage) {
  engine_.launch({.slot = slot_.get(), .stage = stage, .stream = 0, .tag = 0});
}

void EngineJob::completed() noexcept {
  engine::Completion completion;
  if (engine_.poll({&completion, 1}) == 0) return;
  failed_ = completion.error != nullptr;
  if (!failed_ && completion.stage + 1 < stages_) return launch(completion.stage + 1);
  ended_ns_ = now_ns();
  ended_.signal();
}

}  // namespace daris::bench
