// What the scheduler costs on a GPU: a package's jobs through the whole online phase, saturated, against a
// bare loop that replays the very same graphs on the same streams. Runs of both take turns. Prints JSON.
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <string>

#include "engine/torch/open_plugin.hpp"
#include "engine/workers/mps_engine.hpp"
#include "gpu/bare_loop.hpp"
#include "gpu/scheduled_load.hpp"
#include "gpu/watched_engine.hpp"
#include "model/package.hpp"
#include "model/sha256.hpp"
#include "runtime/clock.hpp"

namespace daris::bench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kUsage =
    "usage: gpu-bench --package=FOLDER [--plugin=FILE] [--batch=1] "
    "[--mode=GreenContexts|Streams|MPS|MPSStreams]\n"
    "         [--contexts=1] [--streams=8] [--oversubscription=1] [--fine=0|1] [--copies=0|1] [--core=0]\n"
    "         [--seconds=2] [--rounds=3] [--tasks-per-stream=4] [--load=2] [--slots-per-stream=2]\n";

struct Flags {
  fs::path package;
  fs::path plugin = engine::torch::plugin_beside_program();
  engine::Partitioning partition{.contexts = 1, .streams_per_context = 8};
  engine::torch::EngineOptions engine{.copies = false};
  std::string mode = "GreenContexts";  // of the partition, in words
  std::uint32_t batch = 1;
  std::uint32_t core = 0;
  std::uint32_t rounds = 3;
  std::uint32_t tasks_per_stream = 4;
  std::uint32_t slots_per_stream = 2;
  double seconds = 2;
  double load = 2;  // offered, as a multiple of what the bare loop reaches
};

std::uint32_t number_of(const std::string& text) {
  std::size_t used = 0;
  const unsigned long value = std::stoul(text, &used);
  if (used != text.size() || value > 1'000'000) throw std::invalid_argument(text);
  return static_cast<std::uint32_t>(value);
}

engine::PartitionMode mode_of(const std::string& text) {
  if (text == "Streams") return engine::PartitionMode::Streams;
  if (text == "GreenContexts") return engine::PartitionMode::GreenContexts;
  if (text == "MPS") return engine::PartitionMode::Mps;
  if (text == "MPSStreams") return engine::PartitionMode::MpsStreams;
  throw std::invalid_argument(text);
}

std::unique_ptr<engine::Engine> open_gpu(const Flags& flags) {
  return engine::workers::with_mps(engine::torch::open_engine(flags.plugin, flags.engine),
                                   {.worker = engine::workers::worker_beside_program(),
                                    .copies = flags.engine.copies,
                                    .lost = [](const std::string& report) {
                                      std::cerr << "gpu-bench: " << report << "\n";
                                      std::_Exit(engine::torch::kLostStatus);
                                    }});
}

using Take = std::function<void(Flags&, const std::string&)>;

const std::map<std::string, Take>& takers() {
  static const std::map<std::string, Take> takers{
      {"--package", [](Flags& f, const std::string& v) { f.package = v; }},
      {"--plugin", [](Flags& f, const std::string& v) { f.plugin = v; }},
      {"--batch", [](Flags& f, const std::string& v) { f.batch = number_of(v); }},
      {"--mode", [](Flags& f, const std::string& v) { f.partition.mode = mode_of(f.mode = v); }},
      {"--contexts", [](Flags& f, const std::string& v) { f.partition.contexts = number_of(v); }},
      {"--streams", [](Flags& f, const std::string& v) { f.partition.streams_per_context = number_of(v); }},
      {"--oversubscription",
       [](Flags& f, const std::string& v) { f.partition.oversubscription = std::stod(v); }},
      {"--fine", [](Flags& f, const std::string& v) { f.engine.ignore_coscheduling = number_of(v) != 0; }},
      {"--copies", [](Flags& f, const std::string& v) { f.engine.copies = number_of(v) != 0; }},
      {"--core", [](Flags& f, const std::string& v) { f.core = number_of(v); }},
      {"--seconds", [](Flags& f, const std::string& v) { f.seconds = std::stod(v); }},
      {"--rounds", [](Flags& f, const std::string& v) { f.rounds = number_of(v); }},
      {"--tasks-per-stream", [](Flags& f, const std::string& v) { f.tasks_per_stream = number_of(v); }},
      {"--slots-per-stream", [](Flags& f, const std::string& v) { f.slots_per_stream = number_of(v); }},
      {"--load", [](Flags& f, const std::string& v) { f.load = std::stod(v); }},
  };
  return takers;
}

Flags parse(std::span<char* const> arguments) {
  Flags flags;
  for (const std::string argument : arguments) {
    const std::size_t equals = argument.find('=');
    const auto taker = takers().find(argument.substr(0, equals));
    if (taker == takers().end() || equals == std::string::npos) throw std::invalid_argument(argument);
    taker->second(flags, argument.substr(equals + 1));
  }
  if (flags.package.empty() || flags.rounds == 0) throw std::invalid_argument("--package is missing");
  return flags;
}

void pin_to(std::uint32_t core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  if (::pthread_setaffinity_np(::pthread_self(), sizeof set, &set) != 0)
    throw std::runtime_error("cannot run on the core asked for");
}

model::Package open_folder(const fs::path& folder) {
  std::ifstream file(folder / "model.json", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  model::Sha256 hash;
  hash.update(std::as_bytes(std::span(text)));
  const fs::path whole = fs::canonical(folder);
  return model::open_package(whole.parent_path(), "file:///" + whole.filename().string(),
                             "sha256:" + hash.hex());
}

json spread(std::vector<std::int64_t> us) {
  if (us.empty()) return nullptr;
  std::ranges::sort(us);
  const auto rank = [&](double p) {
    const auto place = static_cast<std::size_t>(std::ceil(p * static_cast<double>(us.size())));
    return us[std::max<std::size_t>(place, 1) - 1];
  };
  return {{"p50", rank(0.5)}, {"p99", rank(0.99)}, {"p999", rank(0.999)}, {"max", us.back()}};
}

/// One package under one partitioning.
class Bench {
 public:
  explicit Bench(const Flags& flags)
      : flags_(flags),
        engine_(open_gpu(flags)),
        model_((engine_->partition(flags.partition), engine_->load(open_folder(flags.package), {}))),
        stages_(static_cast<std::uint32_t>(model_->manifest().stages.size())),
        afet_us_(engine_->measure(model_, flags.batch, kRepetitions, {})),
        watched_(*engine_, stages_, kMostJobs) {
    const std::uint32_t each = flags.partition.streams_per_context * flags.slots_per_stream;
    for (std::uint32_t context = 0; context < flags.partition.contexts; ++context) {
      for (std::uint32_t i = 0; i < each; ++i)
        slots_.push_back(engine_->create_slot(model_, context, flags.batch));
    }
  }

  [[nodiscard]] json run() {
    json bare = json::array();
    json scheduled = json::array();
    for (std::uint32_t round = 0; round < flags_.rounds; ++round) {
      bare.push_back(run_bare_once());
      scheduled.push_back(run_scheduled_once(bare.back().at("jobsPerS")));
    }
    const double ratio = median_rate(scheduled) / median_rate(bare);
    return {{"model", model_->manifest().name},
            {"gpu", engine_->device().product},
            {"engine", engine_->device().engine_version},
            {"batch", flags_.batch},
            {"stages", stages_},
            {"copies", flags_.engine.copies},
            {"partition", partition_words()},
            {"afetUs", afet_us_},
            {"slotMiB", slots_.front()->memory_bytes() >> 20},
            {"modelMiB", model_->memory_bytes() >> 20},
            {"bare", bare},
            {"scheduled", scheduled},
            {"scheduledToBare", std::round(ratio * 1000) / 1000}};
  }

 private:
  static constexpr std::uint32_t kRepetitions = 100;
  static constexpr std::size_t kMostJobs = 4'000'000;
  static constexpr std::int64_t kWarmUpUs = 300'000;

  [[nodiscard]] json partition_words() const {
    json units = json::array();
    for (const engine::Context& context : engine_->contexts()) units.push_back(context.units);
    return {{"mode", flags_.mode},
            {"contexts", flags_.partition.contexts},
            {"streamsPerContext", flags_.partition.streams_per_context},
            {"oversubscription", flags_.partition.oversubscription},
            {"sms", units}};
  }

  [[nodiscard]] std::int64_t open_window() {
    const std::int64_t from = clock_.steadyUs() + kWarmUpUs;
    const std::int64_t to = from + static_cast<std::int64_t>(flags_.seconds * 1e6);
    watched_.watch(from, to);
    return to;
  }

  [[nodiscard]] json window_figures() const {
    const double rate = static_cast<double>(watched_.jobs_us().size()) / flags_.seconds;
    return {{"jobsPerS", std::round(rate)},
            {"elementsPerS", std::round(rate * flags_.batch)},
            {"jobUs", spread(watched_.jobs_us())},
            {"failed", watched_.failed()}};
  }

  [[nodiscard]] json run_bare_once() {
    const std::int64_t until = open_window();
    std::exception_ptr failure;
    std::thread thread([&] {
      try {
        pin_to(flags_.core);
        run_bare(watched_, slots_, stages_, until);
      } catch (const std::exception&) {
        failure = std::current_exception();
      }
    });
    thread.join();
    if (failure) std::rethrow_exception(failure);
    return window_figures();
  }

  [[nodiscard]] json run_scheduled_once(double bare_rate) {
    const auto streams = flags_.partition.contexts * flags_.partition.streams_per_context;
    LoadTerms terms{
        .partition = flags_.partition, .tasks = streams * flags_.tasks_per_stream, .core = flags_.core};
    terms.period_us =
        std::max<DurationUs>(static_cast<DurationUs>(1e6 * terms.tasks / (flags_.load * bare_rate)), 1);
    terms.stage_us = *std::ranges::max_element(afet_us_);
    const std::int64_t until = open_window();
    const LoadCounts counts = run_scheduled(watched_, *model_, slots_, terms, until);
    json figures = window_figures();
    figures["tasks"] = terms.tasks;
    figures["periodUs"] = terms.period_us;
    figures["released"] = counts.released;
    figures["skipped"] = counts.skipped;
    figures["completed"] = counts.completed;
    return figures;
  }

  [[nodiscard]] static double median_rate(const json& runs) {
    std::vector<double> rates;
    for (const json& run : runs) rates.push_back(run.at("jobsPerS"));
    std::ranges::sort(rates);
    return rates[rates.size() / 2];
  }

  Flags flags_;
  runtime::SystemClock clock_;
  std::unique_ptr<engine::Engine> engine_;
  std::shared_ptr<const engine::LoadedModel> model_;
  std::uint32_t stages_;
  std::vector<std::int64_t> afet_us_;
  WatchedEngine watched_;
  Slots slots_;
};

}  // namespace
}  // namespace daris::bench

int main(int count, char** arguments) {
  daris::bench::Flags flags;
  try {
    flags = daris::bench::parse({arguments + 1, static_cast<std::size_t>(count - 1)});
  } catch (const std::exception& error) {
    std::cerr << "gpu-bench: bad argument: " << error.what() << "\n" << daris::bench::kUsage;
    return 2;
  }
  try {
    std::cout << daris::bench::Bench(flags).run().dump(2) << "\n";
  } catch (const std::exception& error) {
    std::cerr << "gpu-bench: " << error.what() << "\n";
    return 1;
  }
}
