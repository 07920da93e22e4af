#include "online_job.hpp"

#include <poll.h>

#include <future>
#include <stdexcept>

namespace daris::bench {
namespace {

constexpr std::uint32_t kBatch = 1;
constexpr runtime::InstanceId kInstance = 1;
// Every request brings the same memory, whose inputs the slot holds already, so none is copied: as with the
// bare calls.
constexpr std::uint64_t kSequence = 1;
constexpr DurationUs kPeriodUs =
    1'000;  // shorter than the jobs of other kinds in between: no request is early
constexpr DurationUs kStageUs = 1'000;  // an estimate until the first job is measured

}  // namespace

OnlineJob::OnlineJob(engine::Engine& engine, std::shared_ptr<const engine::LoadedModel> model,
                     std::uint32_t core)
    : model_(std::move(model)), dispatcher_(engine, clock_, events_, ring_, {.core = core}) {
  configure(engine);
  addSlot(engine);
  addTask();
}

void OnlineJob::configure(engine::Engine& engine) {
  const auto entered = std::make_shared<std::promise<void>>();
  std::promise<std::optional<std::string>> divided;
  dispatcher_.post(
      runtime::Repartition{{}, {}, engine.device().units, entered, divided.get_future().share()});
  entered->get_future().wait();
  engine.partition({});
  divided.set_value(std::nullopt);
}

void OnlineJob::addSlot(engine::Engine& engine) {
  runtime::AddSlots slots;
  slots.slots.push_back(engine.create_slot(model_, 0, {kBatch}));
  slot_ = slots.slots.back().get();
  memory_ = engine.create_job_memory(*model_, kBatch);
  dispatcher_.post(std::move(slots));
}

void OnlineJob::addTask() {
  sched::TaskSpec spec;
  spec.priority = sched::Priority::High;
  spec.periodUs = spec.deadlineUs = kPeriodUs;
  spec.afetUs.assign(model_->manifest().stages.size(), kStageUs);
  spec.releaseMode = sched::ReleaseMode::OnRequest;
  spec.context = sched::ContextRef{};
  dispatcher_.post(runtime::AddTask{kInstance,
                                    {spec, 0},
                                    std::make_shared<const std::string>("bench/job"),
                                    std::make_shared<runtime::TaskStatistics>()});
}

std::int64_t OnlineJob::run_ns() {
  auto request = std::make_shared<runtime::Request>();
  request->sequence = kSequence;
  request->instance = kInstance;
  request->memory = memory_;
  request->clientDeadlineUs = INT64_MAX;
  if (!dispatcher_.trySubmit(request)) throw std::runtime_error("the dispatcher takes no request");
  while (true) {
    pollfd waiting{.fd = events_.fd(), .events = POLLIN, .revents = 0};
    (void)::poll(&waiting, 1, -1);
    events_.clear();
    while (auto event = events_.tryReceive()) {
      if (!std::holds_alternative<runtime::Answered>(*event)) continue;
      const runtime::Outcome& outcome = request->outcome;
      if (outcome.answer != runtime::Answer::Completed)
        throw std::runtime_error(explain(outcome, "bench/job"));
      return outcome.responseUs * 1000;
    }
  }
}

}  // namespace daris::bench
