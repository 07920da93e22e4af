// What the runtime adds to a job, against the same OpenVINO infer() calls back to back on the same core: by
// the engine alone (launch and poll), and by the whole online phase (scheduler, dispatcher thread and worker
// sharing that core). Each job has a bare one beside it, of the same buffers and compiled stages. Prints
// JSON.
#include <sched.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <stdexcept>
#include <string>

#include "engine/openvino/openvino_engine.hpp"
#include "job_clock.hpp"
#include "model/sha256.hpp"
#include "online_job.hpp"

namespace daris::bench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Flags {
  fs::path models;
  std::uint32_t core = 0;
  std::uint32_t jobs = 1000;
};

constexpr const char* kUsage = "usage: runtime-bench --models=FOLDER [--core=0] [--jobs=1000]";

std::uint32_t number_of(const std::string& text) {
  std::size_t used = 0;
  const unsigned long value = std::stoul(text, &used);
  if (used != text.size() || value > 10'000'000) throw std::invalid_argument(text);
  return static_cast<std::uint32_t>(value);
}

Flags parse(std::span<char* const> arguments) {
  Flags flags;
  for (const std::string argument : arguments) {
    const std::size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : argument.substr(equals + 1);
    if (name == "--models") {
      flags.models = value;
    } else if (name == "--core") {
      flags.core = number_of(value);
    } else if (name == "--jobs") {
      flags.jobs = number_of(value);
    } else {
      throw std::invalid_argument(argument);
    }
  }
  if (flags.models.empty() || flags.jobs == 0) throw std::invalid_argument(kUsage);
  return flags;
}

void pin_to(std::uint32_t core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0)
    throw std::runtime_error("cannot run on the core asked for");
}

// Nearest rank, as in bench/result.ts; microseconds.
json spread_us(std::vector<std::int64_t> ns) {
  std::ranges::sort(ns);
  const auto rank = [&](double p) {
    const auto place = std::ceil(p * static_cast<double>(ns.size()));
    const double us = static_cast<double>(ns[static_cast<std::size_t>(std::max(1.0, place)) - 1]) / 1000;
    return std::round(us * 100) / 100;
  };
  return {{"count", ns.size()}, {"min", rank(0)}, {"p50", rank(0.5)}, {"p99", rank(0.99)}, {"max", rank(1)}};
}

model::Package open_folder(const fs::path& folder) {
  std::ifstream file(folder / "model.json", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  model::Sha256 hash;
  hash.update(std::as_bytes(std::span(text)));
  return model::open_package(folder.parent_path(), "file:///" + folder.filename().string(),
                             "sha256:" + hash.hex());
}

/// What ran last decides what the caches hold, and that is worth more than what is measured here: so every
/// run that counts comes right after one of its own kind that does not.
template <typename Job>
std::int64_t warm_run_ns(Job& job) {
  (void)job.run_ns();
  return job.run_ns();
}

/// Jobs of one way beside bare jobs of the same slot, taking turns in who goes first.
template <typename Job>
struct Pair {
  Job& job;
  BareJob bare;
  std::int64_t stages;
  std::vector<std::int64_t> bare_ns, job_ns, added_per_stage_ns;

  Pair(Job& runs, std::uint32_t count) : job(runs), bare(runs.slot(), count), stages(count) {}

  void run(bool bare_first, bool counts) {
    const std::int64_t before = bare_first ? warm_run_ns(bare) : 0;
    const std::int64_t ran = warm_run_ns(job);
    const std::int64_t alone = bare_first ? before : warm_run_ns(bare);
    if (!counts) return;
    bare_ns.push_back(alone);
    job_ns.push_back(ran);
    added_per_stage_ns.push_back((ran - alone) / stages);
  }
};

json measure(const Flags& flags, const fs::path& folder) {
  // The online phase partitions its engine itself, so it has one of its own.
  const auto engines =
      std::array{engine::openvino::make_engine({flags.core}), engine::openvino::make_engine({flags.core})};
  const auto model = engines[0]->load(open_folder(folder), {});
  EngineJob launched(*engines[0], model);
  OnlineJob scheduled(*engines[1], engines[1]->load(open_folder(folder), {}), flags.core);
  const auto stages = static_cast<std::uint32_t>(model->manifest().stages.size());
  Pair<EngineJob> through(launched, stages);
  Pair<OnlineJob> online(scheduled, stages);
  const std::uint32_t warm_up = flags.jobs / 10;
  for (std::uint32_t i = 0; i < flags.jobs + warm_up; ++i) {
    through.run(i % 2 == 0, i >= warm_up);
    online.run(i % 2 == 0, i >= warm_up);
  }
  return {{"model", model->manifest().name},
          {"stages", stages},
          {"bareJobUs", spread_us(online.bare_ns)},
          {"engineJobUs", spread_us(through.job_ns)},
          {"runtimeJobUs", spread_us(online.job_ns)},
          {"engineAddsPerStageUs", spread_us(through.added_per_stage_ns)},
          {"runtimeAddsPerStageUs", spread_us(online.added_per_stage_ns)}};
}

json measure_all(const Flags& flags) {
  pin_to(flags.core);
  std::set<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(flags.models)) {
    if (fs::exists(entry.path() / "model.json")) folders.insert(entry.path());
  }
  if (folders.empty()) throw std::runtime_error("no package in " + flags.models.string());
  json models = json::array();
  for (const fs::path& folder : folders) models.push_back(measure(flags, folder));
  return {{"core", flags.core}, {"models", models}};
}

}  // namespace
}  // namespace daris::bench

int main(int count, char** arguments) {
  daris::bench::Flags flags;
  try {
    flags = daris::bench::parse({arguments + 1, static_cast<std::size_t>(count - 1)});
  } catch (const std::exception& error) {
    std::cerr << "runtime-bench: bad argument: " << error.what() << "\n" << daris::bench::kUsage << "\n";
    return 2;
  }
  try {
    std::cout << daris::bench::measure_all(flags).dump(2) << "\n";
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "runtime-bench: " << error.what() << "\n";
    return 1;
  }
}
