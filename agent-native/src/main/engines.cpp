#include "main/engines.hpp"

#include <stdexcept>
#include <string>

#include "engine/openvino/openvino_engine.hpp"
#include "engine/sim/sim_engine.hpp"

namespace daris::main {
namespace {

engine::sim::SimulatedGpu simulatedGpu(const runtime::Flags& flags) {
  const engine::sim::SimulatedGpu preset;
  return {.product = flags.simProduct.value_or(preset.product),
          .sms = flags.simSms.value_or(preset.sms),
          .memory_bytes = flags.simMemoryBytes.value_or(preset.memory_bytes)};
}

}  // namespace

std::unique_ptr<engine::Engine> makeEngine(const runtime::Flags& flags) {
  try {
    if (flags.engine == "sim") return engine::sim::make_engine(simulatedGpu(flags), flags.cores);
    return engine::openvino::make_engine(flags.cores);
  } catch (const std::invalid_argument& error) {
    throw runtime::FlagError("--cores: " + std::string(error.what()));
  }
}

}  // namespace daris::main
