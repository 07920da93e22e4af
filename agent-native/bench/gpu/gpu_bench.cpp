// Runs a plan on a GPU, or on engine sim: bare loops over a package's graphs, and tasks through the whole
// online phase on the same slots. Prints one JSON document a line: one for each run, one for what failed.
//   gpu-bench PLAN.json
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "engine/sim/sim_engine.hpp"
#include "engine/torch/open_plugin.hpp"
#include "engine/workers/mps_engine.hpp"
#include "gpu/bed.hpp"
#include "gpu/models.hpp"
#include "gpu/plan.hpp"
#include "gpu/watched_engine.hpp"

namespace daris::bench {
namespace {

using nlohmann::json;

constexpr std::size_t kGiB = std::size_t{1} << 30;
constexpr std::size_t kMostJobs = 2'000'000;

void end_over(const std::string& report) {
  std::cerr << "gpu-bench: " << report << "\n";
  std::_Exit(engine::torch::kLostStatus);
}

std::unique_ptr<engine::Engine> make_engine(const Plan& plan) {
  const EnginePlan& wanted = plan.engine;
  if (wanted.kind == "sim") return engine::sim::make_engine({.sms = wanted.sms}, {plan.core});
  if (wanted.kind != "torch")
    throw std::invalid_argument("engine '" + wanted.kind + "'; there are torch and sim");
  auto in_one_process = engine::torch::open_engine(engine::torch::plugin_beside_program(),
                                                   {.ignore_coscheduling = wanted.fine,
                                                    .memory_share = wanted.memory_share,
                                                    .pinned_bytes = wanted.pinned_gib * kGiB,
                                                    .copies = wanted.copies});
  return engine::workers::with_mps(std::move(in_one_process),
                                   {.worker = engine::workers::worker_beside_program(),
                                    .copies = wanted.copies,
                                    .memory_share = wanted.memory_share,
                                    .lost = end_over});
}

void print(const json& line) {
  std::cout << line.dump() << std::endl;
}

/// What fails in one bed leaves the others to be run.
void run_bed(WatchedEngine& engine, Models& models, const BedPlan& plan, std::uint32_t core) {
  try {
    Bed bed(engine, models, plan, core);
    const json description = bed.description();
    for (const RunPlan& run : plan.runs) {
      json line = description;
      line["run"] = run.name;
      line["figures"] = bed.run(run);
      print(line);
    }
  } catch (const std::exception& error) {
    print({{"bed", plan.name}, {"error", error.what()}});
  }
}

void run_plan(const Plan& plan) {
  const auto engine = make_engine(plan);
  print({{"gpu", engine->device().product},
         {"engine", engine->device().engine_version},
         {"units", engine->device().units},
         {"copies", plan.engine.copies}});
  WatchedEngine watched(*engine, kMostJobs);
  // Without copies the GPU gathers rows that lie in the slot's own memory on it.
  Models models(watched, plan.engine.kind == "sim" || plan.engine.copies);
  for (const BedPlan& bed : plan.beds) run_bed(watched, models, bed, plan.core);
  print({{"end", true}});
}

Plan read_plan(const char* path) {
  std::ifstream file(path);
  if (!file) throw std::invalid_argument(std::string("cannot read ") + path);
  return parse_plan(json::parse(file));
}

}  // namespace
}  // namespace daris::bench

int main(int count, char** arguments) {
  constexpr int kArguments = 2;
  if (count != kArguments) {
    std::cerr << "usage: gpu-bench PLAN.json\n";
    return 2;
  }
  daris::bench::Plan plan;
  try {
    plan = daris::bench::read_plan(arguments[1]);
  } catch (const std::exception& error) {
    std::cerr << "gpu-bench: " << arguments[1] << ": " << error.what() << "\n";
    return 2;
  }
  try {
    daris::bench::run_plan(plan);
  } catch (const std::exception& error) {
    std::cerr << "gpu-bench: " << error.what() << "\n";
    return 1;
  }
}
