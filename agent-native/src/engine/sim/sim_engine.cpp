#include "engine/sim/sim_engine.hpp"

#include <poll.h>
#include <sched.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <stdexcept>

#include "engine/refusals.hpp"
#include "engine/sim/slot.hpp"
#include "engine/sim/timer.hpp"

namespace daris::engine::sim {
namespace {

/// Of what this engine makes of an artifact: AFETs measured under another one are measured anew.
constexpr const char* kVersion = "1";
constexpr std::int64_t kNsPerUs = 1000;
/// As many as the scheduler takes; each has its places in the timer's queues.
constexpr std::uint64_t kMostStreams = std::uint64_t{1} << 18;

void check_cores(const std::vector<std::uint32_t>& cores) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  (void)::sched_getaffinity(0, sizeof allowed, &allowed);
  const bool has_one = std::ranges::any_of(
      cores, [&](std::uint32_t core) { return core < CPU_SETSIZE && CPU_ISSET(core, &allowed); });
  if (has_one) return;
  throw std::invalid_argument(
      "none of them is one that this process may use (see Cpus_allowed_list in /proc/self/status)");
}

class SimEngine : public Engine {
 public:
  SimEngine(const SimulatedGpu& gpu, const std::vector<std::uint32_t>& cores)
      : cores_(cores),
        device_{.uuid = gpu.uuid,
                .product = gpu.product,
                .units = gpu.sms,
                .memory_bytes = gpu.memory_bytes,
                .engine = kEngine,
                .engine_version = kVersion} {
    partition({});
  }

  [[nodiscard]] const Device& device() const override { return device_; }
  void partition(const Partitioning& partitioning) override;
  [[nodiscard]] const std::vector<Context>& contexts() const override { return contexts_; }
  [[nodiscard]] std::shared_ptr<const LoadedModel> load(const model::Package& package,
                                                        std::stop_token stop) override;
  [[nodiscard]] std::vector<std::int64_t> measure(const std::shared_ptr<const LoadedModel>& model,
                                                  std::uint32_t batch, std::uint32_t repetitions,
                                                  std::stop_token stop) override;
  [[nodiscard]] std::unique_ptr<Slot> create_slot(const std::shared_ptr<const LoadedModel>& model,
                                                  std::uint32_t context,
                                                  const std::vector<std::uint32_t>& batches) override;
  [[nodiscard]] std::unique_ptr<Slot> create_slot_in(const SlotMemory& memory,
                                                     const std::shared_ptr<const LoadedModel>& model,
                                                     std::uint32_t context,
                                                     const std::vector<std::uint32_t>& batches) override;
  [[nodiscard]] std::shared_ptr<JobMemory> create_job_memory(const LoadedModel& model,
                                                             std::uint32_t batch) override {
    return make_heap_job_memory(model.manifest(), batch);
  }
  void launch(const Launch& launch) noexcept override;
  void listen(CompletionListener* listener) noexcept override;
  [[nodiscard]] std::size_t poll(std::span<Completion> completions) noexcept override;

 private:
  [[nodiscard]] std::unique_ptr<Slot> make_slot(const std::shared_ptr<const LoadedModel>& model,
                                                std::uint32_t context,
                                                const std::vector<std::uint32_t>& batches,
                                                const SlotMemory* memory);

  std::vector<std::uint32_t> cores_;
  Device device_;
  std::vector<Context> contexts_;
  std::atomic<std::uint64_t> series_{0};  // of times, one for each batch size of each slot
  std::atomic<CompletionListener*> listener_{nullptr};
  std::unique_ptr<Timer> timer_;  // after what it uses
};

void SimEngine::partition(const Partitioning& wanted) {
  const Context each{sms_per_context(device_.units, wanted), wanted.streams_per_context};
  const std::uint64_t streams = std::uint64_t{wanted.contexts} * wanted.streams_per_context;
  if (streams > kMostStreams) {
    throw std::invalid_argument(std::to_string(streams) + " streams in all; at most " +
                                std::to_string(kMostStreams) + " can be had");
  }
  std::vector<Context> contexts(wanted.contexts, each);
  timer_ = std::make_unique<Timer>(streams, listener_, cores_);
  contexts_ = std::move(contexts);
}

std::shared_ptr<const LoadedModel> SimEngine::load(const model::Package& package, std::stop_token stop) {
  return std::make_shared<const SimModel>(package, stop);
}

/// What the artifacts say, in no time: streams take nothing from each other, so that load changes nothing.
std::vector<std::int64_t> SimEngine::measure(const std::shared_ptr<const LoadedModel>& model,
                                             std::uint32_t batch, std::uint32_t /*repetitions*/,
                                             std::stop_token stop) {
  check_not_stopped(stop);
  std::vector<std::int64_t> afet_us;
  for (const StageTime& time : static_cast<const SimModel&>(*model).times(batch)) {
    afet_us.push_back(static_cast<std::int64_t>(std::ceil(time.mean_us)));
  }
  return afet_us;
}

std::unique_ptr<Slot> SimEngine::create_slot(const std::shared_ptr<const LoadedModel>& model,
                                             std::uint32_t context,
                                             const std::vector<std::uint32_t>& batches) {
  return make_slot(model, context, batches, nullptr);
}

std::unique_ptr<Slot> SimEngine::create_slot_in(const SlotMemory& memory,
                                                const std::shared_ptr<const LoadedModel>& model,
                                                std::uint32_t context,
                                                const std::vector<std::uint32_t>& batches) {
  return make_slot(model, context, batches, &memory);
}

std::unique_ptr<Slot> SimEngine::make_slot(const std::shared_ptr<const LoadedModel>& model,
                                           std::uint32_t context, const std::vector<std::uint32_t>& batches,
                                           const SlotMemory* memory) {
  assert(context < contexts_.size());
  return std::make_unique<SimSlot>(std::static_pointer_cast<const SimModel>(model), context, batches,
                                   series_.fetch_add(batches.size()), memory);
}

void SimEngine::launch(const Launch& launch) noexcept {
  const std::int64_t start_ns = now_ns();
  const std::int64_t end_ns =
      start_ns + static_cast<SimSlot*>(launch.slot)->next_ns(launch.stage, launch.form);
  timer_->launch({end_ns,
                  {.slot = launch.slot,
                   .tag = launch.tag,
                   .context = launch.slot->context(),
                   .stage = launch.stage,
                   .stream = launch.stream,
                   .started_us = start_ns / kNsPerUs,
                   .finished_us = end_ns / kNsPerUs}});
}

void SimEngine::listen(CompletionListener* listener) noexcept {
  listener_ = listener;
  // Asleep, not spinning: the caller may have a better priority than the thread that it waits for.
  while (timer_->telling()) ::poll(nullptr, 0, 1);
}

std::size_t SimEngine::poll(std::span<Completion> completions) noexcept {
  std::size_t count = 0;
  while (count < completions.size()) {
    const auto completion = timer_->poll();
    if (!completion) break;
    completions[count++] = *completion;
  }
  return count;
}

}  // namespace

std::unique_ptr<Engine> make_engine(const SimulatedGpu& gpu, const std::vector<std::uint32_t>& cores) {
  check_cores(cores);
  return std::make_unique<SimEngine>(gpu, cores);
}

}  // namespace daris::engine::sim
