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

BareJob::BareJob(const engine::openvino::OpenvinoModel& model)
    : tensors_(model.manifest(), model.samples(), kBatch) {
  const auto stages = model.compiled(kBatch, engine::openvino::OpenvinoModel::kMeasuringCopy);
  for (std::size_t i = 0; i < stages->size(); ++i) {
    requests_.push_back(tensors_.request((*stages)[i], model.manifest().stages[i]));
  }
}

std::int64_t BareJob::run_ns() {
  const std::int64_t start = now_ns();
  for (ov::InferRequest& request : requests_) request.infer();
  return now_ns() - start;
}

EngineJob::EngineJob(engine::Engine& engine, const std::shared_ptr<const engine::LoadedModel>& model)
    : engine_(engine),
      stages_(static_cast<std::uint32_t>(model->manifest().stages.size())),
      slot_(engine.create_slot(model, 0, kBatch)) {}

std::int64_t EngineJob::run_ns() {
  const std::int64_t start = now_ns();
  for (std::uint32_t stage = 0; stage < stages_; ++stage) run_stage(stage);
  return now_ns() - start;
}

void EngineJob::run_stage(std::uint32_t stage) {
  engine_.launch({.slot = slot_.get(), .stage = stage, .stream = 0, .tag = 0});
  engine::Completion completion;
  do {
    pollfd waiting{.fd = engine_.completion_fd(), .events = POLLIN, .revents = 0};
    (void)::poll(&waiting, 1, -1);
  } while (engine_.poll({&completion, 1}) == 0);
  if (completion.error != nullptr) throw std::runtime_error(completion.error);
}

}  // namespace daris::bench
