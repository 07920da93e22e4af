#include "main/engines.hpp"

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "engine/openvino/openvino_engine.hpp"
#include "engine/sim/sim_engine.hpp"
#include "engine/torch/open_plugin.hpp"
#include "engine/workers/mps_engine.hpp"
#include "main/gpu_listing.hpp"
#include "runtime/log.hpp"

namespace daris::main {
namespace {

using runtime::log;
using runtime::LogLevel;

/// Every further call to the GPU would fail in this process; a new one may have it again.
void endOverLostGpu(const char* report) {
  log(LogLevel::Error, "the GPU is lost", {{"error", report}});
  std::_Exit(engine::torch::kLostStatus);
}

std::unique_ptr<engine::Engine> makeTorch(const runtime::Flags& flags) {
  // Before the driver is opened, and before there is another thread.
  if (!flags.gpuUuid.empty()) ::setenv("CUDA_VISIBLE_DEVICES", flags.gpuUuid.c_str(), 1);
  if (const auto lack = engine::torch::lack_of_gpu()) throw std::runtime_error(*lack);
  auto inOneProcess = engine::torch::open_engine(engine::torch::plugin_beside_program(),
                                                 {.device = static_cast<int>(flags.gpu.value_or(0)),
                                                  .memory_share = flags.gpuMemoryShare,
                                                  .pinned_bytes = flags.pinnedMemoryBytes,
                                                  .lost = endOverLostGpu});
  return engine::workers::with_mps(
      std::move(inOneProcess), {.worker = engine::workers::worker_beside_program(),
                                .memory_share = flags.gpuMemoryShare,
                                .lost = [](const std::string& report) { endOverLostGpu(report.c_str()); }});
}

std::string simulatedUuidOf(const runtime::Flags& flags) {
  const std::uint32_t count = flags.simGpus.value_or(1);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string uuid = simulatedUuid(i);
    if (flags.gpuUuid.empty() ? i == flags.gpu.value_or(0) : uuid == flags.gpuUuid) return uuid;
  }
  throw runtime::FlagError("--gpu: there is no such GPU among the " + std::to_string(count) +
                           " of --sim-gpus, which count from 0 and are called sim-0, sim-1, …");
}

engine::sim::SimulatedGpu simulatedGpu(const runtime::Flags& flags) {
  const engine::sim::SimulatedGpu preset;
  return {.uuid = simulatedUuidOf(flags),
          .product = flags.simProduct.value_or(preset.product),
          .sms = flags.simSms.value_or(preset.sms),
          .memory_bytes = flags.simMemoryBytes.value_or(preset.memory_bytes)};
}

/// openvino or sim: what runs on the cores alone.
std::unique_ptr<engine::Engine> makeOnCores(const runtime::Flags& flags) {
  try {
    if (flags.engine == "sim") return engine::sim::make_engine(simulatedGpu(flags), flags.cores);
    return engine::openvino::make_engine(flags.cores);
  } catch (const std::invalid_argument& error) {
    throw runtime::FlagError("--cores: " + std::string(error.what()));
  }
}

}  // namespace

std::unique_ptr<engine::Engine> makeEngine(const runtime::Flags& flags) {
  if (flags.engine == "openvino" || flags.engine == "sim") return makeOnCores(flags);
  try {
    return makeTorch(flags);
  } catch (const std::runtime_error& error) {
    // One that was named by its UUID was there: it may come back.
    if (!flags.gpuUuid.empty()) throw std::runtime_error("GPU " + flags.gpuUuid + ": " + error.what());
    if (flags.engine == "torch") throw runtime::FlagError("--engine torch: " + std::string(error.what()));
    log(LogLevel::Info, "no GPU engine, serving on the CPU", {{"reason", error.what()}});
  }
  return makeOnCores(flags);
}

}  // namespace daris::main
