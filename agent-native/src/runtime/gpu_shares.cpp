#include "runtime/gpu_shares.hpp"

#include <filesystem>

namespace daris::runtime {

namespace {

constexpr std::size_t kPorts = 65'536;

void check(const Flags& flags, std::size_t count) {
  const std::string gpus = std::to_string(count) + " GPUs, each served by a runtime of its own";
  const std::string fewer = "; or choose fewer GPUs (--gpu, CUDA_VISIBLE_DEVICES)";
  if (flags.cores.size() < count) {
    throw FlagError("--cores: " + std::to_string(flags.cores.size()) + " are too few for " + gpus +
                    "; give one for each at least" + fewer);
  }
  if (flags.inferencePort != 0 && flags.inferencePort + count > kPorts) {
    throw FlagError("--inference-address: ports from " + std::to_string(flags.inferencePort) +
                    " do not suffice for " + gpus + "; choose a lower one, or 0");
  }
  if (socketOf(flags.socket, count - 1).size() > kSocketPathBytes) {
    throw FlagError("--socket: " + flags.socket + " is too long for " + gpus +
                    ", whose sockets get a number");
  }
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

/// Neighbours stay together, since they often share a cache.
std::string coresOf(const std::vector<std::uint32_t>& cores, std::size_t index, std::size_t count) {
  std::vector<std::string> words;
  const std::size_t end = (index + 1) * cores.size() / count;
  for (std::size_t i = index * cores.size() / count; i < end; ++i) words.push_back(std::to_string(cores[i]));
  return joined(words);
}

std::string addressOf(const Flags& flags, std::size_t index) {
  const std::size_t port = flags.inferencePort == 0 ? 0 : flags.inferencePort + index;
  return flags.inferenceHost + ":" + std::to_string(port);
}

}  // namespace

std::string socketOf(const std::string& socket, std::size_t index) {
  if (index == 0) return socket;
  const std::filesystem::path path(socket);
  const std::string name = path.stem().string() + "-" + std::to_string(index) + path.extension().string();
  return path.parent_path() / name;
}

std::vector<CommandLine> gpuShares(const CommandLine& base, const Flags& flags,
                                   const std::vector<std::string>& gpus) {
  if (gpus.size() < 2) return {base};
  check(flags, gpus.size());
  std::vector<CommandLine> commands;
  for (std::size_t i = 0; i < gpus.size(); ++i) {
    CommandLine command = base;  // what follows wins over what it says
    command.push_back("--gpu=" + gpus[i]);
    command.push_back("--node-gpus=" + joined(gpus));
    command.push_back("--socket=" + socketOf(flags.socket, i));
    command.push_back("--inference-address=" + addressOf(flags, i));
    command.push_back("--cores=" + coresOf(flags.cores, i, gpus.size()));
    // Where the GPU was seen, none of its runtimes shall fall back to the cores.
    if (flags.engine == "auto") command.emplace_back("--engine=torch");
    commands.push_back(std::move(command));
  }
  return commands;
}

}  // namespace daris::runtime
