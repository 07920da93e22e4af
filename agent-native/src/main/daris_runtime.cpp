// daris-runtime: flags, signals and the order in which the parts start and stop. All else is in libraries.
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "main/engines.hpp"
#include "main/gpu_listing.hpp"
#include "main/gpu_watch.hpp"
#include "rpc/servers.hpp"
#include "runtime/flags.hpp"
#include "runtime/gpu_shares.hpp"
#include "runtime/log.hpp"
#include "runtime/runtime.hpp"
#include "runtime/socket_guard.hpp"
#include "runtime/supervisor.hpp"

namespace {

using daris::runtime::log;
using daris::runtime::LogLevel;

constexpr int kFailed = 1;
constexpr int kBadFlags = 2;
constexpr auto kGrace = std::chrono::milliseconds(1000);
constexpr unsigned kStopSeconds = 3;  // then the process ends whatever still runs
constexpr unsigned kUnloadSeconds = 1;

sigset_t stopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

/// Waits for SIGTERM or SIGINT, which all threads have blocked.
void waitForStop() {
  const sigset_t signals = stopSignals();
  int signal = 0;
  sigwait(&signals, &signal);
  log(LogLevel::Info, "stopping", {{"signal", std::to_string(signal)}});
  ::signal(SIGALRM, [](int) { ::_exit(kFailed); });
  ::alarm(kStopSeconds);
}

void warnOfSimulation(const daris::engine::Device& device) {
  if (device.engine != "sim") return;
  log(LogLevel::Warn, "engine sim computes nothing: all outputs are zeros",
      {{"product", device.product}, {"sms", std::to_string(device.units)}});
}

/// To the supervisor that started this process, and to nobody that has taken its place.
std::function<void()> heartbeatTo(pid_t parent) {
  return [parent] { (void)::kill(parent, daris::runtime::heartbeatSignal()); };
}

int serve(const daris::runtime::Flags& flags) {
  const sigset_t signals = stopSignals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::umask(0177);  // the socket is for this user alone
  daris::rpc::redirectLibraryLog();
  const daris::runtime::SocketGuard guard(flags.socket);
  const daris::runtime::SystemClock clock;
  daris::main::GpuWatch gpu;
  const auto engine = daris::main::makeEngine(flags);
  daris::runtime::Runtime runtime(*engine, clock,
                                  {.modelRoot = flags.modelRoot,
                                   .slotMemoryBytes = flags.slotMemoryBytes,
                                   .dispatcherCore = flags.cores.front(),
                                   .traceRecords = flags.traceRecords,
                                   .version = DARIS_VERSION,
                                   .nodeGpus = flags.nodeGpus,
                                   .alive = flags.heartbeat ? heartbeatTo(::getppid()) : nullptr});
  gpu.start(runtime);  // before an agent can ask: what runs on a GPU that is not ours alone is decided by it
  daris::rpc::Servers servers(runtime, {flags.socket, flags.inferenceHost, flags.inferencePort});
  log(LogLevel::Info, "runtime started",
      {{"version", DARIS_VERSION},
       {"instance", runtime.instanceId()},
       {"engine", engine->device().engine},
       {"device", engine->device().product},
       {"gpu", engine->device().uuid},
       {"inference", servers.inferenceAddress()}});
  warnOfSimulation(engine->device());
  std::printf("daris-runtime listening on %s\n", servers.inferenceAddress().c_str());
  std::fflush(stdout);
  waitForStop();
  gpu.stop();
  runtime.drain();
  servers.stop(kGrace);
  log(LogLevel::Info, "runtime stopped");
  // All jobs and answers are done. A model that is still being compiled is not waited for.
  ::signal(SIGALRM, [](int) { ::_exit(0); });
  ::alarm(kUnloadSeconds);
  return 0;
}

/// The same command line with --heartbeat in place of --supervise, of this very program file.
daris::runtime::CommandLine workerCommand(int argc, char** argv) {
  daris::runtime::CommandLine command{"/proc/self/exe"};
  for (int i = 1; i < argc; ++i) {
    if (std::string(argv[i]) != "--supervise") command.emplace_back(argv[i]);
  }
  command.emplace_back("--heartbeat");
  return command;
}

int supervise(const daris::runtime::Flags& flags, const daris::runtime::CommandLine& worker) {
  daris::runtime::CommandLine listing;
  if (daris::main::mayBeSeveral(flags)) {
    listing = worker;
    listing.emplace_back("--list-gpus");
  }
  return daris::runtime::supervise({.listing = listing, .workers = [&](const std::vector<std::string>& gpus) {
                                      return daris::runtime::gpuShares(worker, flags, gpus);
                                    }});
}

int listGpus(const daris::runtime::Flags& flags) {
  for (const std::string& uuid : daris::main::servedGpus(flags)) std::puts(uuid.c_str());
  return std::fflush(stdout) == 0 ? 0 : kFailed;
}

int run(int argc, char** argv) {
  const auto flags = daris::runtime::parseFlags({argv + 1, static_cast<std::size_t>(argc - 1)});
  if (flags.help) {
    std::fputs(daris::runtime::usage().c_str(), stdout);
    return 0;
  }
  if (flags.version) {
    std::puts("daris-runtime " DARIS_VERSION);
    return 0;
  }
  if (flags.listGpus) return listGpus(flags);
  return flags.supervise ? supervise(flags, workerCommand(argc, argv)) : serve(flags);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const daris::runtime::FlagError& error) {
    std::fprintf(stderr, "daris-runtime: %s\n", error.what());
    return kBadFlags;
  } catch (const daris::runtime::SocketTaken& error) {
    std::fprintf(stderr, "daris-runtime: %s\n", error.what());
    return kFailed;
  } catch (const std::exception& error) {
    log(LogLevel::Error, "cannot run", {{"error", error.what()}});
    return kFailed;
  }
}
