// NVIDIA's MPS for one GPU: a daemon of our own, in a folder of its own, that lives no longer than we do.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "engine/workers/processes.hpp"

namespace daris::engine::workers {

/// nvidia-cuda-mps-control in the foreground, as a child. Other daemons and other GPUs are left alone.
/// Nothing here needs CUDA.
class MpsDaemon {
 public:
  /// Ended by itself; told on a thread of its own.
  using Ended = std::function<void(const std::string& report)>;

  /// Ends what a former process of ours has left of this GPU, then starts anew and waits until it takes
  /// clients. Throws std::invalid_argument where MPS cannot be had, saying what would work.
  MpsDaemon(const std::string& gpu_uuid, Ended ended);
  /// Clients should have ended.
  ~MpsDaemon();

  /// Where clients find it: the value of CUDA_MPS_PIPE_DIRECTORY.
  [[nodiscard]] const std::filesystem::path& pipes() const { return pipes_; }

 private:
  enum class Phase { Starting, Serving, Ended };

  void wait_until_ready();

  std::filesystem::path folder_;
  std::filesystem::path pipes_;
  std::atomic<Phase> phase_{Phase::Starting};
  std::unique_ptr<Processes> process_;  // last: its thread uses what is above
};

/// The folder of a GPU's daemon: the same for each process of this user, so that what one left is found.
[[nodiscard]] std::filesystem::path mps_folder(const std::string& gpu_uuid);

/// Daemons and servers of this user that were started for these pipes.
[[nodiscard]] std::vector<pid_t> mps_processes(const std::filesystem::path& pipes);

/// The share of a GPU, in percent, for which MPS grants `granted` of `all` SMs: it grants the even number
/// below the share (seen with driver 580), so this is a hair above. Empty: all of them.
[[nodiscard]] std::string mps_percentage(std::uint32_t granted, std::uint32_t all);

}  // namespace daris::engine::workers
