#include "engine/openvino/openvino_engine.hpp"

#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <openvino/core/version.hpp>
#include <openvino/runtime/properties.hpp>

#include "engine/openvino/background.hpp"
#include "engine/openvino/loaded_model.hpp"
#include "engine/openvino/measure.hpp"
#include "engine/openvino/slot.hpp"
#include "engine/openvino/worker.hpp"

namespace daris::engine::openvino {
namespace {

void check_cores(const std::vector<std::uint32_t>& cores) {
  if (cores.empty()) throw std::invalid_argument("no cores given; name at least one, such as 0");
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  (void)::sched_getaffinity(0, sizeof allowed, &allowed);
  for (const std::uint32_t core : cores) {
    const std::string name = "core " + std::to_string(core);
    if (std::ranges::count(cores, core) > 1) throw std::invalid_argument(name + " is given twice");
    if (core >= CPU_SETSIZE || !CPU_ISSET(core, &allowed)) {
      throw std::invalid_argument(name +
                                  " is not one that this process may use (see Cpus_allowed_list in "
                                  "/proc/self/status)");
    }
  }
}

Device describe(ov::Core& core, std::size_t cores) {
  const auto bytes = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                     static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return {.uuid = "cpu-0",
          .product = core.get_property("CPU", ov::device::full_name),
          .units = static_cast<std::uint32_t>(cores),
          .memory_bytes = bytes,
          .engine = kEngine,
          .engine_version = ov::get_openvino_version().buildNumber};
}

class OpenvinoEngine : public Engine {
 public:
  explicit OpenvinoEngine(const std::vector<std::uint32_t>& cores)
      : cores_(cores), device_(describe(core_, cores.size())) {
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
  [[nodiscard]] StreamStages stages_of(const OpenvinoModel& model, std::uint32_t context,
                                       std::uint32_t batch) const;

  // Workers by context, then stream; a worker's copy of a model is its place in this order plus one, since
  // copy 0 measures. A copy outlives a new partitioning: whichever worker has that place then uses it.
  [[nodiscard]] std::size_t worker_of(std::uint32_t context, std::uint32_t stream) const {
    return std::size_t{context} * streams_per_context_ + stream;
  }

  std::vector<std::uint32_t> cores_;
  ov::Core core_;
  Device device_;
  std::uint32_t streams_per_context_ = 1;
  double streams_per_core_ = 1;
  std::vector<Context> contexts_;
  std::atomic<CompletionListener*> listener_{nullptr};
  std::vector<std::unique_ptr<Worker>> workers_;  // after what they use
};

void OpenvinoEngine::partition(const Partitioning& wanted) {
  const auto core_sets = divide_cores(cores_, wanted);
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<Context> contexts;
  for (std::uint32_t k = 0; k < core_sets.size(); ++k) {
    contexts.push_back({static_cast<std::uint32_t>(core_sets[k].size()), wanted.streams_per_context});
    for (std::uint32_t s = 0; s < wanted.streams_per_context; ++s) {
      workers.push_back(std::make_unique<Worker>(WorkerPlace{k, s, core_sets[k]}, listener_));
    }
  }
  workers_ = std::move(workers);
  contexts_ = std::move(contexts);
  streams_per_context_ = wanted.streams_per_context;
  streams_per_core_ = streams_per_core(core_sets, wanted.streams_per_context);
}

std::shared_ptr<const LoadedModel> OpenvinoEngine::load(const model::Package& package, std::stop_token stop) {
  return run_in_background([&] { return std::make_shared<const OpenvinoModel>(core_, package, stop); });
}

std::vector<std::int64_t> OpenvinoEngine::measure(const std::shared_ptr<const LoadedModel>& model,
                                                  std::uint32_t batch, std::uint32_t repetitions,
                                                  std::stop_token stop) {
  const auto& loaded = static_cast<const OpenvinoModel&>(*model);
  std::vector<std::int64_t> times =
      run_in_background([&] { return mean_stage_cpu_ns(loaded, batch, repetitions, stop); });
  constexpr double kNsPerUs = 1000;
  for (std::int64_t& time : times) {
    time = static_cast<std::int64_t>(std::ceil(static_cast<double>(time) * streams_per_core_ / kNsPerUs));
  }
  return times;
}

std::unique_ptr<Slot> OpenvinoEngine::create_slot(const std::shared_ptr<const LoadedModel>& model,
                                                  std::uint32_t context,
                                                  const std::vector<std::uint32_t>& batches) {
  return make_slot(model, context, batches, nullptr);
}

std::unique_ptr<Slot> OpenvinoEngine::create_slot_in(const SlotMemory& memory,
                                                     const std::shared_ptr<const LoadedModel>& model,
                                                     std::uint32_t context,
                                                     const std::vector<std::uint32_t>& batches) {
  return make_slot(model, context, batches, &memory);
}

std::unique_ptr<Slot> OpenvinoEngine::make_slot(const std::shared_ptr<const LoadedModel>& model,
                                                std::uint32_t context,
                                                const std::vector<std::uint32_t>& batches,
                                                const SlotMemory* memory) {
  assert(context < contexts_.size());
  auto loaded = std::static_pointer_cast<const OpenvinoModel>(model);
  std::vector<StreamStages> forms;
  for (const std::uint32_t batch : batches) forms.push_back(stages_of(*loaded, context, batch));
  // Not in the background: making a request takes the lock of a graph that a worker may want.
  return std::make_unique<OpenvinoSlot>(std::move(loaded), context, batches, forms, memory);
}

StreamStages OpenvinoEngine::stages_of(const OpenvinoModel& model, std::uint32_t context,
                                       std::uint32_t batch) const {
  StreamStages copies;
  for (std::uint32_t s = 0; s < streams_per_context_; ++s) {
    const auto copy = static_cast<std::uint32_t>(worker_of(context, s) + 1);
    copies.push_back(run_in_background([&] { return model.compiled(batch, copy); }));
  }
  return copies;
}

void OpenvinoEngine::launch(const Launch& launch) noexcept {
  const bool was_free = workers_[worker_of(launch.slot->context(), launch.stream)]->launch(launch);
  assert(was_free);
  (void)was_free;
}

void OpenvinoEngine::listen(CompletionListener* listener) noexcept {
  listener_ = listener;
  for (const auto& worker : workers_) {
    // Asleep, not spinning: the caller may have a better priority than the worker that it waits for.
    while (worker->telling()) ::poll(nullptr, 0, 1);
  }
}

std::size_t OpenvinoEngine::poll(std::span<Completion> completions) noexcept {
  std::size_t count = 0;
  for (const auto& worker : workers_) {
    if (count == completions.size()) break;
    if (const auto completion = worker->poll()) completions[count++] = *completion;
  }
  return count;
}

}  // namespace

std::unique_ptr<Engine> make_engine(const std::vector<std::uint32_t>& cores) {
  check_cores(cores);
  return std::make_unique<OpenvinoEngine>(cores);
}

}  // namespace daris::engine::openvino
