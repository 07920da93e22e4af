#include "joined_phase.hpp"

#include <future>
#include <stdexcept>

#include "cpu_time.hpp"

namespace daris::bench {
namespace {

constexpr DurationUs kPublishUs = 50'000;  // the dispatcher's

/// Nobody computes on it.
class NoMemory : public engine::JobMemory {
 public:
  explicit NoMemory(std::uint64_t id) : id_(id) {}
  [[nodiscard]] std::span<std::byte> input(std::size_t) override { return {}; }
  [[nodiscard]] std::span<std::byte> output(std::size_t) override { return {}; }
  [[nodiscard]] std::uint64_t id() const override { return id_; }

 private:
  std::uint64_t id_;
};

class NoBuffers : public engine::Slot {
 public:
  NoBuffers(std::uint32_t context, std::vector<std::uint32_t> batches)
      : context_(context), batches_(std::move(batches)) {}
  [[nodiscard]] std::uint32_t context() const override { return context_; }
  [[nodiscard]] std::span<const std::uint32_t> batches() const override { return batches_; }
  [[nodiscard]] std::span<std::byte> input(std::size_t) override { return {}; }
  [[nodiscard]] std::span<const std::byte> output(std::size_t) const override { return {}; }
  [[nodiscard]] std::uint64_t memory_bytes() const override { return 0; }
  void seat(std::uint32_t, engine::JobMemory&, bool) override {}
  void collect(std::uint32_t, engine::JobMemory&) override {}

 private:
  std::uint32_t context_;
  std::vector<std::uint32_t> batches_;
};

}  // namespace

// ---- The clock ----

TimeUs VirtualClock::steadyUs() const {
  (void)system_.steadyUs();
  return nowUs;
}

std::int64_t VirtualClock::wallUs() const {
  (void)system_.wallUs();
  return nowUs;
}

// ---- The engine ----

VirtualEngine::VirtualEngine(const VirtualClock& clock) : clock_(clock) {
  endsUs_.fill(runtime::kNever);
}

TimeUs VirtualEngine::nextUs() const {
  return std::ranges::min(endsUs_);
}

std::shared_ptr<const engine::LoadedModel> VirtualEngine::load(const model::Package&, std::stop_token) {
  throw std::logic_error("it has no models");
}

std::vector<std::int64_t> VirtualEngine::measure(const std::shared_ptr<const engine::LoadedModel>&,
                                                 std::uint32_t, std::uint32_t, std::stop_token) {
  throw std::logic_error("it has no models");
}

std::unique_ptr<engine::Slot> VirtualEngine::create_slot(const std::shared_ptr<const engine::LoadedModel>&,
                                                         std::uint32_t context,
                                                         const std::vector<std::uint32_t>& batches) {
  return std::make_unique<NoBuffers>(context, batches);
}

std::shared_ptr<engine::JobMemory> VirtualEngine::create_job_memory(const engine::LoadedModel&,
                                                                    std::uint32_t) {
  throw std::logic_error("it has no models");
}

void VirtualEngine::launch(const engine::Launch& launch) noexcept {
  const TimeUs endUs = clock_.nowUs + times_.nextUs(launch.slot->batches()[launch.form]);
  endsUs_[launch.stream] = endUs;
  running_[launch.stream] = {.slot = launch.slot,
                             .tag = launch.tag,
                             .context = launch.slot->context(),
                             .stage = launch.stage,
                             .stream = launch.stream,
                             .started_us = clock_.nowUs,
                             .finished_us = endUs};
}

std::size_t VirtualEngine::poll(std::span<engine::Completion> completions) noexcept {
  std::size_t count = 0;
  for (std::size_t stream = 0; stream < endsUs_.size(); ++stream) {
    if (endsUs_[stream] > clock_.nowUs) continue;
    endsUs_[stream] = runtime::kNever;
    completions[count++] = running_[stream];
  }
  return count;
}

// ---- The dispatcher ----

JoinedPhase::JoinedPhase(std::uint32_t tasks) {
  const auto entered = std::make_shared<std::promise<void>>();
  std::promise<std::optional<std::string>> divided;
  divided.set_value(std::nullopt);
  phase_.apply(runtime::Repartition{{.contexts = 1, .streams_per_context = kJoinedStreams},
                                    joinedConfig().policy,
                                    engine_.device().units,
                                    entered,
                                    divided.get_future().share()});
  phase_.apply(runtime::SetCapacities{0, joinedCapacities()});
  std::vector<std::uint32_t> batches;
  for (const auto& [jobs, unitUs] : kJoinedUnits) batches.push_back(jobs);
  runtime::AddSlots slots;
  for (std::uint32_t i = 0; i < kJoinedStreams; ++i)
    slots.slots.push_back(engine_.create_slot(nullptr, 0, batches));
  phase_.apply(std::move(slots));
  for (std::uint32_t i = 0; i < tasks; ++i) addTask(i);
}

/// Spread over a period, each with an input of its own.
void JoinedPhase::addTask(std::uint32_t order) {
  const runtime::InstanceId instance = order + 1;
  statistics_.push_back(std::make_shared<runtime::TaskStatistics>());
  const DurationUs offsetUs = static_cast<DurationUs>(order) * 7919 % kJoinedPeriodUs;
  phase_.apply(runtime::AddTask{instance,
                                {joinedTask(order), offsetUs},
                                std::make_shared<const std::string>("bench/" + std::to_string(order)),
                                statistics_.back()});
  auto request = std::make_shared<runtime::Request>();
  request->sequence = request->instance = instance;
  request->memory = std::make_shared<NoMemory>(instance);
  request->clientDeadlineUs = INT64_MAX;
  phase_.apply(std::move(request));
}

bool JoinedPhase::round() {
  clock_.nowUs = std::min(engine_.nextUs(), phase_.nextReleaseUs());
  const std::size_t count = engine_.poll(completions_);
  for (std::size_t i = 0; i < count; ++i) phase_.completed(completions_[i]);
  (void)phase_.releaseDue();
  phase_.dispatch();
  if (clock_.nowUs < publishUs_) return false;
  const std::int64_t from = cpuNs();
  publish();
  publishedNs_ += cpuNs() - from;
  publishUs_ = clock_.nowUs + kPublishUs;
  takeEvents();
  return true;
}

void JoinedPhase::publish() {
  phase_.markOverdue();
  phase_.observe(figures_.back());
  figures_.publish();
}

std::uint64_t JoinedPhase::completed() const {
  std::uint64_t completed = 0;
  for (const auto& each : statistics_) completed += each->jobs().completed;
  return completed;
}

void JoinedPhase::takeEvents() {
  while (events_.tryReceive()) continue;
}

}  // namespace daris::bench
