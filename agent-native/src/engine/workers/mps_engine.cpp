#include "engine/workers/mps_engine.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/workers/handover_engine.hpp"
#include "engine/workers/mps_daemon.hpp"
#include "engine/workers/worker_engine.hpp"

namespace daris::engine::workers {
namespace {

/// Hardware queues of a worker: one for each of its streams, to serve and to measure with. Clients share what
/// MPS has of them.
std::uint32_t connections(std::uint32_t streams) {
  constexpr std::uint32_t kMost = 32;
  return std::min(2 * streams, kMost);
}

/// What a worker takes of the GPU's memory at most: an equal part, beside what each process needs for itself.
/// None before it is used, since the workers of the next partitioning start while those of the last still
/// run.
std::uint64_t memory_of_each(const MpsTerms& terms, const Device& device, std::uint32_t contexts) {
  constexpr double kOwnBytes = 1 << 30;  // kernels, and the driver's own
  const double part = static_cast<double>(device.memory_bytes) * terms.memory_share / contexts;
  return static_cast<std::uint64_t>(std::max(part - kOwnBytes, part / 2));
}

/// One of these contexts, of so many SMs, as a client of the daemon.
Command worker_command(const MpsTerms& terms, const Device& device, const MpsDaemon& daemon,
                       std::uint32_t contexts, std::uint32_t sms, std::uint32_t streams) {
  const std::string percentage = mps_percentage(sms, device.units);
  return {.arguments = {terms.worker, "--engine=torch", "--streams=" + std::to_string(streams),
                        "--memory=" + std::to_string(memory_of_each(terms, device, contexts)),
                        terms.copies ? "--copies=1" : "--copies=0"},
          .environment =
              environment_with({{"CUDA_MPS_PIPE_DIRECTORY", daemon.pipes()},
                                {"CUDA_MPS_ACTIVE_THREAD_PERCENTAGE",
                                 percentage.empty() ? std::nullopt : std::optional<std::string>(percentage)},
                                {"CUDA_DEVICE_MAX_CONNECTIONS", std::to_string(connections(streams))},
                                {"CUDA_VISIBLE_DEVICES", device.uuid}})};
}

/// Workers of one partitioning after another, with a daemon for as long as there are any.
class MpsWorkers {
 public:
  MpsWorkers(Device device, MpsTerms terms) : device_(std::move(device)), terms_(std::move(terms)) {}

  [[nodiscard]] std::unique_ptr<Engine> make(const Partitioning& wanted) {
    auto daemon = daemon_.lock();
    if (!daemon) {
      daemon = std::make_shared<std::unique_ptr<MpsDaemon>>(
          std::make_unique<MpsDaemon>(device_.uuid, terms_.lost));
      daemon_ = daemon;
    }
    const auto command = [terms = terms_, device = device_, daemon, contexts = wanted.contexts](
                             std::uint32_t sms, std::uint32_t streams) {
      return worker_command(terms, device, **daemon, contexts, sms, streams);
    };
    const auto lost = [lost = terms_.lost, daemon](const std::string& report) {
      daemon->reset();  // a client died: the server's state is not defined any more
      lost(report);
    };
    return make_engine({.device = device_, .command = command, .lost = lost}, wanted);
  }

 private:
  Device device_;
  MpsTerms terms_;
  std::weak_ptr<std::unique_ptr<MpsDaemon>> daemon_;  // the workers' engines own it
};

bool is_mps(PartitionMode mode) {
  return mode == PartitionMode::Mps || mode == PartitionMode::MpsStreams;
}

}  // namespace

std::unique_ptr<Engine> with_mps(std::unique_ptr<Engine> inner, MpsTerms terms) {
  const auto workers = std::make_shared<MpsWorkers>(inner->device(), std::move(terms));
  return make_handover_engine(
      std::move(inner),
      {.wanted = is_mps, .make = [workers](const Partitioning& wanted) { return workers->make(wanted); }});
}

std::filesystem::path worker_beside_program() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "daris-worker";
}

}  // namespace daris::engine::workers
