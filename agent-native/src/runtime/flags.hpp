// Command line and environment of daris-runtime, read strictly: what is unknown, missing or malformed is an
// error in one line that names the flag and what would work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace daris::runtime {

class FlagError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

inline constexpr std::size_t kSocketPathBytes = 107;  // sun_path, without its final 0

struct Flags {
  std::string socket;     // path of the Unix socket for the agent
  std::string modelRoot;  // directory below which packages are
  std::string inferenceHost = "127.0.0.1";
  std::uint16_t inferencePort = 0;
  std::vector<std::uint32_t> cores;
  std::string engine = "auto";  // auto, openvino, sim or torch
  // The GPU to serve: its number among those that CUDA shows to this process, or its UUID, which then is the
  // only one that CUDA shows. Neither: the first, or with --supervise each by a process of its own.
  std::optional<std::uint32_t> gpu;
  std::string gpuUuid;
  std::vector<std::string>
      nodeGpus;                 // UUIDs of all GPUs that have a runtime beside this one, its own among them
  double gpuMemoryShare = 0.9;  // of what is free on the GPU at start
  std::uint64_t pinnedMemoryBytes = std::uint64_t{512} << 20;
  // Of the GPU that engine sim stands in for; absent: its own. Never there with another engine.
  std::optional<std::string> simProduct;
  std::optional<std::uint32_t> simSms;
  std::optional<std::uint64_t> simMemoryBytes;
  std::optional<std::uint32_t> simGpus;
  std::uint64_t slotMemoryBytes = std::uint64_t{4} << 30;
  std::size_t traceRecords = std::size_t{1} << 17;
  bool supervise = false;
  bool heartbeat = false;
  bool listGpus = false;
  bool help = false;
  bool version = false;
};

/// `--flag value` and `--flag=value`. Throws FlagError.
[[nodiscard]] Flags parseFlags(std::span<const char* const> arguments);

/// What --help prints.
[[nodiscard]] std::string usage();

}  // namespace daris::runtime
