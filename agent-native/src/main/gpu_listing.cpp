#include "main/gpu_listing.hpp"

#include <stdexcept>

#include "engine/torch/open_plugin.hpp"
#include "runtime/log.hpp"

namespace daris::main {

namespace {

using runtime::log;
using runtime::LogLevel;

std::vector<std::string> simulated(const runtime::Flags& flags) {
  std::vector<std::string> uuids;
  for (std::uint32_t i = 0; i < flags.simGpus.value_or(1); ++i) uuids.push_back(simulatedUuid(i));
  return uuids;
}

/// A single GPU is opened by its runtime, which says what it lacks. Of several no runtime must fall back to
/// the cores, so it is found out here whether the engine can be had at all.
void checkEngine() {
  engine::torch::check_plugin(engine::torch::plugin_beside_program());
}

}  // namespace

bool mayBeSeveral(const runtime::Flags& flags) {
  const bool named = flags.gpu.has_value() || !flags.gpuUuid.empty();
  return !named && flags.engine != "openvino" && (flags.engine != "sim" || flags.simGpus.value_or(1) > 1);
}

std::vector<std::string> servedGpus(const runtime::Flags& flags) {
  if (flags.engine == "openvino") return {};
  if (flags.engine == "sim") return simulated(flags);
  const auto gpus = engine::torch::list_gpus();
  if (gpus.size() < 2) return gpus;
  try {
    checkEngine();
  } catch (const std::runtime_error& error) {
    if (flags.engine == "torch") throw runtime::FlagError("--engine torch: " + std::string(error.what()));
    log(LogLevel::Info, "no GPU engine, serving on the CPU", {{"reason", error.what()}});
    return {};
  }
  return gpus;
}

std::string simulatedUuid(std::uint32_t number) {
  return "sim-" + std::to_string(number);
}

}  // namespace daris::main
