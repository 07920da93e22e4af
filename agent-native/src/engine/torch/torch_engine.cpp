// The engine of one GPU: stages compiled by AOTInductor, replayed as CUDA graphs on streams of the contexts.
#include <ATen/Context.h>
#include <cuda_runtime_api.h>
#include <torch/headeronly/version.h>
#include <unistd.h>

#include <atomic>
#include <cassert>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <optional>

#include "engine/job_memory.hpp"
#include "engine/torch/cuda_errors.hpp"
#include "engine/torch/driver.hpp"
#include "engine/torch/lanes.hpp"
#include "engine/torch/loaded_model.hpp"
#include "engine/torch/measure.hpp"
#include "engine/torch/plugin.hpp"
#include "engine/torch/slot.hpp"

namespace daris::engine::torch {
namespace {

constexpr std::int64_t kLiveUs = 1'000'000;  // a GPU on which nothing was launched for so long is idle
constexpr std::int64_t kNeverUs = INT64_MIN / 2;

std::int64_t now_us() {
  using std::chrono::steady_clock;
  return std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now().time_since_epoch())
      .count();
}

[[noreturn]] void end_process(const char* report) {
  std::fprintf(stderr, "daris: the GPU is lost: %s\n", report);
  std::_Exit(kLostStatus);
}

/// Before anything of CUDA runs in this process.
void prepare_process() {
  // Streams that share a hardware queue wait for each other; this is the most there can be.
  ::setenv("CUDA_DEVICE_MAX_CONNECTIONS", "32", 0);
}

/// Nothing is chosen by timing: equal inputs give equal bits, whatever runs beside.
void prepare_torch() {
  at::globalContext().lazyInitDevice(at::kCUDA);
  at::globalContext().setBenchmarkCuDNN(false);
}

std::uint64_t arena_bytes(const EngineOptions& options) {
  if (options.memory_bytes != 0) return options.memory_bytes;
  return static_cast<std::uint64_t>(static_cast<double>(free_bytes()) * options.memory_share);
}

int checked_device(int device) {
  prepare_process();
  int count = 0;
  check(::cudaGetDeviceCount(&count), "no GPU can be used");
  if (device < 0 || device >= count) {
    throw std::runtime_error("GPU " + std::to_string(device) + " is not there; this process sees " +
                             std::to_string(count));
  }
  check(::cudaSetDevice(device), "the GPU");
  check(::cudaFree(nullptr), "the GPU's context");
  return device;
}

std::string uuid_of(const cudaDeviceProp& properties) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "GPU-";
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    const auto byte = static_cast<unsigned char>(properties.uuid.bytes[i]);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

cudaDeviceProp properties_of(int device) {
  cudaDeviceProp properties{};
  check(::cudaGetDeviceProperties(&properties, device), "the GPU's properties");
  return properties;
}

std::string cuda_version() {
  constexpr int kMajor = 1000;
  constexpr int kMinor = 10;
  return std::to_string(CUDART_VERSION / kMajor) + "." + std::to_string(CUDART_VERSION % kMajor / kMinor);
}

Device describe(const cudaDeviceProp& properties) {
  return {.uuid = uuid_of(properties),
          .product = properties.name,
          .units = static_cast<std::uint32_t>(properties.multiProcessorCount),
          .memory_bytes = properties.totalGlobalMem,
          .engine = kEngine,
          .engine_version = std::string(TORCH_VERSION) + "+cuda" + cuda_version(),
          .compiled_code = true};
}

class TorchEngine : public Engine {
 public:
  explicit TorchEngine(const EngineOptions& options);

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
                                                             std::uint32_t batch) override;
  void hold_memory(bool held) override { memories_.gpu->hold(held); }
  void launch(const Launch& launch) noexcept override;
  void listen(CompletionListener*) noexcept override {}  // see polled()
  [[nodiscard]] bool polled() const noexcept override { return true; }
  [[nodiscard]] std::size_t poll(std::span<Completion> completions) noexcept override;

 private:
  [[nodiscard]] std::unique_ptr<TorchSlot> make_slot(const std::shared_ptr<const LoadedModel>& model,
                                                     std::uint32_t context,
                                                     const std::vector<std::uint32_t>& batches,
                                                     const SlotMemory* memory = nullptr) const;
  [[nodiscard]] std::vector<SmPartition> divide(const Partitioning& wanted);
  [[nodiscard]] static bool recent(const std::atomic<std::int64_t>& launched_us) {
    return now_us() - launched_us.load(std::memory_order_relaxed) < kLiveUs;
  }
  void make_current() const { check(::cudaSetDevice(options_.device), "the GPU"); }
  void bind_thread() const noexcept;
  void end_if_lost();
  template <typename Work>
  auto with_torch(Work work) -> decltype(work());

  EngineOptions options_;
  Device device_;
  Target target_;
  std::optional<SmSource> sms_;  // once green contexts are wanted
  Memories memories_;
  std::uint32_t streams_per_context_ = 1;
  std::vector<SmPartition> partitions_;
  std::vector<Context> contexts_;
  std::unique_ptr<Lanes> lanes_;
  std::atomic<std::int64_t> launched_us_{kNeverUs};       // the last launch under this partitioning
  std::atomic<std::int64_t> high_launched_us_{kNeverUs};  // of a high-priority job
  Pace pace_{[this] { return recent(high_launched_us_); }};
  // Guards torch: its loaders take no lock, and one capture at a time is enough. Never held by who
  // dispatches.
  std::mutex torch_;
};

TorchEngine::TorchEngine(const EngineOptions& options)
    : options_(options), device_(describe(properties_of(checked_device(options.device)))) {
  prepare_torch();
  const cudaDeviceProp properties = properties_of(options.device);
  target_ = {
      .arch = arch_word(properties.major, properties.minor), .torch = TORCH_VERSION, .cuda = cuda_version()};
  if (options_.lost == nullptr) options_.lost = end_process;
  memories_ = {
      .device = options.device,
      .gpu = std::make_shared<DeviceArena>(options.device, arena_bytes(options), options.memory_bytes == 0),
      .host = std::make_shared<PinnedArena>(options.pinned_bytes),
      .rows = std::make_shared<const RowKernels>()};
  partition({.mode = PartitionMode::Streams});
}

void TorchEngine::partition(const Partitioning& wanted) {
  if (wanted.mode == PartitionMode::Mps || wanted.mode == PartitionMode::MpsStreams)
    throw std::invalid_argument("one process has no MPS contexts; use mode GreenContexts or Streams");
  make_current();
  std::vector<SmPartition> partitions;
  std::unique_ptr<Lanes> lanes;
  try {
    partitions = divide(wanted);
    lanes = std::make_unique<Lanes>(partitions, wanted.streams_per_context, memories_.host);
  } catch (const std::runtime_error& error) {
    throw std::invalid_argument("the GPU cannot be divided so: " + std::string(error.what()));
  }
  std::vector<Context> contexts;
  const std::uint32_t asked =
      wanted.mode == PartitionMode::Streams ? device_.units : sms_per_context(device_.units, wanted);
  for (const SmPartition& each : partitions)
    contexts.push_back({each.sms, wanted.streams_per_context, asked});
  lanes_ = std::move(lanes);
  partitions_ = std::move(partitions);
  contexts_ = std::move(contexts);
  streams_per_context_ = wanted.streams_per_context;
  high_launched_us_ = kNeverUs;
  launched_us_ = kNeverUs;  // no slot of the former one is left to keep the GPU busy while AFETs are measured
}

/// Streams of the whole GPU ask nothing of its SMs: under MPS, that is what the server grants this process.
std::vector<SmPartition> TorchEngine::divide(const Partitioning& wanted) {
  if (wanted.mode == PartitionMode::Streams) {
    (void)sms_per_context(device_.units, wanted);  // checks it
    return std::vector<SmPartition>(wanted.contexts, {.green = nullptr, .sms = device_.units});
  }
  if (!sms_) sms_.emplace(options_.device, options_.ignore_coscheduling);
  return sms_->partitions(deal_groups(sms_->sms(), sms_->split(), wanted));
}

std::shared_ptr<const LoadedModel> TorchEngine::load(const model::Package& package, std::stop_token stop) {
  return with_torch([&] { return std::make_shared<const TorchModel>(package, target_, memories_, stop); });
}

std::vector<std::int64_t> TorchEngine::measure(const std::shared_ptr<const LoadedModel>& model,
                                               std::uint32_t batch, std::uint32_t repetitions,
                                               std::stop_token stop) {
  return with_torch([&] {
    // On a live GPU the live streams are the busy ones, and one more of our own is all that they should bear.
    const bool one = recent(launched_us_);
    const std::size_t contexts = one ? 1 : contexts_.size();
    const std::uint32_t streams = one ? 1 : streams_per_context_;
    const std::span<const SmPartition> partitions(partitions_);
    Lanes lanes(partitions.first(contexts), streams, memories_.host);
    std::vector<std::unique_ptr<TorchSlot>> slots;
    for (std::uint32_t context = 0; context < contexts; ++context) {
      for (std::uint32_t s = 0; s < streams; ++s) slots.push_back(make_slot(model, context, {batch}));
    }
    std::vector<std::int64_t> times =
        mean_stage_ns(lanes, slots, streams, repetitions, stop, one ? &pace_ : nullptr);
    constexpr std::int64_t kNsPerUs = 1000;
    for (std::int64_t& time : times) time = (time + kNsPerUs - 1) / kNsPerUs;
    return times;
  });
}

std::unique_ptr<Slot> TorchEngine::create_slot(const std::shared_ptr<const LoadedModel>& model,
                                               std::uint32_t context,
                                               const std::vector<std::uint32_t>& batches) {
  assert(context < contexts_.size());
  return with_torch([&] { return make_slot(model, context, batches); });
}

std::unique_ptr<Slot> TorchEngine::create_slot_in(const SlotMemory& memory,
                                                  const std::shared_ptr<const LoadedModel>& model,
                                                  std::uint32_t context,
                                                  const std::vector<std::uint32_t>& batches) {
  assert(context < contexts_.size());
  return with_torch([&] { return make_slot(model, context, batches, &memory); });
}

std::shared_ptr<JobMemory> TorchEngine::create_job_memory(const LoadedModel& model, std::uint32_t batch) {
  return std::make_shared<TorchJobMemory>(model.manifest(), batch, memories_.host, next_job_memory_id());
}

std::unique_ptr<TorchSlot> TorchEngine::make_slot(const std::shared_ptr<const LoadedModel>& model,
                                                  std::uint32_t context,
                                                  const std::vector<std::uint32_t>& batches,
                                                  const SlotMemory* memory) const {
  const SlotPlace place{.context = context,
                        .partition = partitions_[context],
                        .memories = memories_,
                        .copies = options_.copies,
                        .pace = &pace_,
                        .memory = memory};
  return std::make_unique<TorchSlot>(std::static_pointer_cast<const TorchModel>(model), batches, place);
}

/// Does what torch is needed for, one thing at a time. A failure may be the first sign of a lost device.
template <typename Work>
auto TorchEngine::with_torch(Work work) -> decltype(work()) {
  const std::scoped_lock lock(torch_);
  make_current();
  try {
    return work();
  } catch (const c10::OutOfMemoryError& error) {
    throw EngineError("OutOfMemory", first_line(error.what()));
  } catch (const std::exception&) {
    end_if_lost();
    throw;
  }
}

void TorchEngine::end_if_lost() {
  std::size_t free = 0;
  std::size_t total = 0;
  const cudaError_t state = ::cudaMemGetInfo(&free, &total);  // a lost context answers all calls so
  if (is_sticky(static_cast<int>(state))) options_.lost(::cudaGetErrorString(state));
}

/// The primary context becomes current to the thread that dispatches, at its first launch.
void TorchEngine::bind_thread() const noexcept {
  thread_local int bound = -1;
  if (bound == options_.device) return;
  (void)::cudaSetDevice(options_.device);
  bound = options_.device;
}

void TorchEngine::launch(const Launch& launch) noexcept {
  bind_thread();
  const std::int64_t now = now_us();
  launched_us_.store(now, std::memory_order_relaxed);
  if (launch.urgency != Urgency::Low) high_launched_us_.store(now, std::memory_order_relaxed);
  lanes_->launch(launch, now);
}

std::size_t TorchEngine::poll(std::span<Completion> completions) noexcept {
  if (lanes_->idle()) return 0;
  const std::int64_t now = now_us();
  const std::size_t count = lanes_->poll(completions, now);
  if (const char* fault = lanes_->fault(now)) options_.lost(fault);
  return count;
}

std::unique_ptr<Engine> make_engine(const EngineOptions& options) {
  return std::make_unique<TorchEngine>(options);
}

constexpr Plugin kPlugin{.build = DARIS_VERSION, .make_engine = make_engine};

}  // namespace
}  // namespace daris::engine::torch

extern "C" __attribute__((visibility("default"))) const daris::engine::torch::Plugin* daris_torch_plugin() {
  return &daris::engine::torch::kPlugin;
}
