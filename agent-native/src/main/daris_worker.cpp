// daris-worker: one context of a GPU as a process of its own. Started by daris-runtime alone, which hands it
// a socket (descriptor 3) and a mailbox (descriptor 4).
#include <sys/stat.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "engine/sim/sim_engine.hpp"
#include "engine/torch/open_plugin.hpp"
#include "engine/workers/processes.hpp"
#include "engine/workers/serve.hpp"

namespace {

using daris::UniqueFd;
using daris::engine::Engine;
namespace workers = daris::engine::workers;

constexpr std::size_t kPinnedBytes = 1 << 20;  // inputs and outputs lie in memory shared with the runtime
constexpr int kFailed = 1;
constexpr int kBadFlags = 2;
constexpr const char* kUsage =
    "usage: daris-worker --engine=torch|sim --streams=N [--sms=N] [--core=N] "
    "[--copies=0] [--memory=BYTES]\n"
    "Runs one context of a GPU. daris-runtime starts it; there is no other use for it.\n";

struct Flags {
  std::string engine;
  std::uint32_t streams = 0;
  std::uint32_t sms = 1;     // sim
  std::uint32_t core = 0;    // sim
  std::uint32_t copies = 1;  // torch
  std::uint64_t memory = 0;  // torch: bytes of the GPU; 0: as an engine takes alone
};

void take(Flags& flags, std::string_view name, std::string_view value) {
  if (name == "--engine") {
    flags.engine = value;
    return;
  }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size()) throw std::invalid_argument("no number");
  if (name == "--memory") {
    flags.memory = number;
    return;
  }
  const auto small = static_cast<std::uint32_t>(number);
  if (small != number) throw std::invalid_argument("too large");
  if (name == "--streams") {
    flags.streams = small;
  } else if (name == "--sms") {
    flags.sms = small;
  } else if (name == "--core") {
    flags.core = small;
  } else if (name == "--copies") {
    flags.copies = small;
  } else {
    throw std::invalid_argument("unknown");
  }
}

Flags parse(int count, char** arguments) {
  Flags flags;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    const auto equals = argument.find('=');
    if (equals == std::string_view::npos) throw std::invalid_argument("no value");
    take(flags, argument.substr(0, equals), argument.substr(equals + 1));
  }
  if (flags.engine.empty() || flags.streams == 0) throw std::invalid_argument("too few");
  return flags;
}

const workers::SharedMemory* mailbox = nullptr;  // for lostDevice, which is given nothing but its report

[[noreturn]] void lostDevice(const char* report) {
  workers::leave_last_words(*mailbox, report);
  std::_Exit(daris::engine::torch::kLostStatus);
}

std::unique_ptr<Engine> open(const Flags& flags) {
  if (flags.engine == "sim") return daris::engine::sim::make_engine({.sms = flags.sms}, {flags.core});
  if (flags.engine != "torch") throw std::invalid_argument("no engine is called " + flags.engine);
  return daris::engine::torch::open_engine(daris::engine::torch::plugin_beside_program(),
                                           {.memory_bytes = flags.memory,
                                            .pinned_bytes = kPinnedBytes,
                                            .copies = flags.copies != 0,
                                            .lost = lostDevice});
}

}  // namespace

int main(int count, char** arguments) {
  Flags flags;
  try {
    flags = parse(count, arguments);
  } catch (const std::exception&) {
    std::fputs(kUsage, stderr);
    return kBadFlags;
  }
  ::umask(077);
  try {
    const workers::SharedMemory shared(UniqueFd(workers::kFirstDescriptor + 1));
    mailbox = &shared;
    return workers::serve(UniqueFd(workers::kFirstDescriptor), shared, flags.streams,
                          [&flags] { return open(flags); });
  } catch (const std::exception& error) {
    std::fprintf(stderr, "daris-worker: %s\n", error.what());
    return kFailed;
  }
}
