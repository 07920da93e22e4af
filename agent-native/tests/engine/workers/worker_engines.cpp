#include "engine/workers/worker_engines.hpp"

#include <cstdlib>
#include <stdexcept>

#include "engine/openvino/openvino_engine.hpp"
#include "engine/sim/sim_engine.hpp"
#include "engine/stage_runner.hpp"
#include "engine/torch/plugin.hpp"
#include "engine/workers/handover_engine.hpp"

namespace daris::test {
namespace {

using engine::PartitionMode;

std::unique_ptr<engine::Engine> in_this_process(const std::string& name) {
  if (name == "sim") return engine::sim::make_engine({}, {usable_core()});
  return engine::openvino::make_engine({usable_core()});
}

std::unique_ptr<engine::Engine> make(const std::string& name, bool (*apart)(PartitionMode)) {
  return engine::workers::make_handover_engine(
      in_this_process(name), {.wanted = apart, .make = [name](const engine::Partitioning& wanted) {
                                return engine::workers::make_engine(worker_terms(name), wanted);
                              }});
}

}  // namespace

engine::workers::WorkerTerms worker_terms(const std::string& name) {
  engine::Device device = in_this_process(name)->device();
  device.units = engine::sim::SimulatedGpu{}.sms;  // shares of cores are not what these tests are about
  return {.device = device,
          .command =
              [name](std::uint32_t units, std::uint32_t streams) {
                return engine::workers::Command{
                    .arguments = {name == "sim" ? DARIS_TEST_WORKER : DARIS_TEST_OPENVINO_WORKER,
                                  "--engine=" + name, "--sms=" + std::to_string(units),
                                  "--streams=" + std::to_string(streams),
                                  "--core=" + std::to_string(usable_core())},
                    .environment = engine::workers::environment_with({})};
              },
          .lost =
              [](const std::string& report) {
                std::fprintf(stderr, "lost: %s\n", report.c_str());
                std::_Exit(engine::torch::kLostStatus);
              }};
}

std::unique_ptr<engine::Engine> engine_in_workers() {
  return make("sim", [](PartitionMode) { return true; });
}

std::unique_ptr<engine::Engine> handover_engine(const std::string& name) {
  return make(name, [](PartitionMode mode) {
    return mode == PartitionMode::Mps || mode == PartitionMode::MpsStreams;
  });
}

}  // namespace daris::test
