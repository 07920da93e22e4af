#include "runtime/flags.hpp"

#include <sched.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <optional>
#include <ranges>
#include <string_view>
#include <system_error>

namespace daris::runtime {

namespace {

constexpr std::uint32_t kMostGpus = 255;
constexpr std::uint32_t kMostSimGpus = 64;  // as many as a GpuNode holds
constexpr std::size_t kUuidBytes = 64;
constexpr std::size_t kLeastTraceRecords = 1024;
constexpr std::size_t kMostTraceRecords = std::size_t{1} << 24;
constexpr std::size_t kProductBytes = 128;
constexpr std::uint32_t kMostSms = 65'536;

[[noreturn]] void refuse(std::string_view flag, std::string_view value, std::string_view wanted) {
  throw FlagError(std::string(flag) + ": '" + std::string(value) + "' is not accepted, expected " +
                  std::string(wanted));
}

template <typename Number>
std::optional<Number> numberOf(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void takeSocket(Flags& flags, std::string_view value) {
  if (value.empty() || value.size() > kSocketPathBytes) refuse("--socket", value, "a path of 1 to 107 bytes");
  flags.socket = value;
}

void takeModelRoot(Flags& flags, std::string_view value) {
  std::error_code error;
  if (!std::filesystem::is_directory(value, error)) refuse("--model-root", value, "an existing directory");
  flags.modelRoot = value;
}

void takeAddress(Flags& flags, std::string_view value) {
  constexpr std::string_view kWanted = "HOST:PORT such as 127.0.0.1:0 or [::]:8001, port 0 picks a free one";
  const auto colon = value.rfind(':');
  if (colon == std::string_view::npos || colon == 0) refuse("--inference-address", value, kWanted);
  const auto port = numberOf<std::uint16_t>(value.substr(colon + 1));
  if (!port) refuse("--inference-address", value, kWanted);
  flags.inferenceHost = value.substr(0, colon);
  flags.inferencePort = *port;
}

/// As the process may use when it starts: a container's exclusive cores are not known before.
std::vector<std::uint32_t> usableCores() {
  cpu_set_t usable;
  if (::sched_getaffinity(0, sizeof usable, &usable) != 0) {
    throw std::system_error(errno, std::generic_category(), "sched_getaffinity");
  }
  std::vector<std::uint32_t> cores;
  for (std::uint32_t core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &usable)) cores.push_back(core);
  }
  return cores;
}

void takeCores(Flags& flags, std::string_view value) {
  constexpr std::string_view kWanted = "all, or core numbers such as 0,1 or 0-3, each once";
  flags.cores.clear();
  if (value == "all") {
    flags.cores = usableCores();
    return;
  }
  for (std::string_view rest = value;;) {
    const std::string_view part = rest.substr(0, rest.find(','));
    const auto dash = part.find('-');
    const auto first = numberOf<std::uint32_t>(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : numberOf<std::uint32_t>(part.substr(dash + 1));
    if (!first || !last || *first > *last || *last > 4095) refuse("--cores", value, kWanted);
    for (std::uint32_t core = *first; core <= *last; ++core) {
      if (std::ranges::find(flags.cores, core) != flags.cores.end()) refuse("--cores", value, kWanted);
      flags.cores.push_back(core);
    }
    if (part.size() == rest.size()) return;
    rest.remove_prefix(part.size() + 1);
  }
}

bool isUuid(std::string_view text) {
  constexpr std::array<std::string_view, 3> kKinds{"GPU-", "MIG-", "sim-"};
  const bool kind = std::ranges::any_of(kKinds, [&](auto each) { return text.starts_with(each); });
  return kind && text.size() > kKinds[0].size() && text.size() <= kUuidBytes &&
         std::ranges::all_of(text, [](char c) {
           return c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
         });
}

void takeGpu(Flags& flags, std::string_view value) {
  const auto number = numberOf<std::uint32_t>(value);
  if (number ? *number > kMostGpus : !isUuid(value))
    refuse("--gpu", value, "the number of a GPU, from 0, or its UUID, as nvidia-smi -L tells it");
  flags.gpu = number;
  flags.gpuUuid = number ? "" : value;
}

void takeNodeGpus(Flags& flags, std::string_view value) {
  flags.nodeGpus.clear();
  for (const auto part : std::views::split(value, ',')) {
    const std::string_view uuid(part.begin(), part.end());
    if (!isUuid(uuid)) refuse("--node-gpus", value, "UUIDs of GPUs, with commas between them");
    flags.nodeGpus.emplace_back(uuid);
  }
}

std::uint64_t bytesOf(std::string_view flag, std::string_view value) {
  constexpr std::array<std::pair<std::string_view, int>, 3> kUnits{{{"KiB", 10}, {"MiB", 20}, {"GiB", 30}}};
  std::string_view digits = value;
  int shift = 0;
  for (const auto& [unit, bits] : kUnits) {
    if (!value.ends_with(unit)) continue;
    digits.remove_suffix(unit.size());
    shift = bits;
  }
  const auto number = numberOf<std::uint64_t>(digits);
  if (!number || *number == 0 || *number > (UINT64_MAX >> shift)) {
    refuse(flag, value, "bytes, or a number with KiB, MiB or GiB, such as 512MiB");
  }
  return *number << shift;
}

void takeGpuMemoryShare(Flags& flags, std::string_view value) {
  constexpr unsigned kWhole = 100;
  const auto percent = numberOf<unsigned>(value);
  if (!percent || *percent == 0 || *percent >= kWhole)
    refuse("--gpu-memory-percent", value, "a number from 1 to 99");
  flags.gpuMemoryShare = static_cast<double>(*percent) / kWhole;
}

void takePinnedMemory(Flags& flags, std::string_view value) {
  flags.pinnedMemoryBytes = bytesOf("--pinned-memory", value);
}

void takeSlotMemory(Flags& flags, std::string_view value) {
  flags.slotMemoryBytes = bytesOf("--slot-memory", value);
}

void takeEngine(Flags& flags, std::string_view value) {
  constexpr std::array<std::string_view, 4> kEngines{"auto", "openvino", "sim", "torch"};
  if (std::ranges::find(kEngines, value) == kEngines.end())
    refuse("--engine", value, "auto, openvino, sim or torch");
  flags.engine = value;
}

/// Not longer than GpuNode's status holds, and fit for its words.
void takeSimProduct(Flags& flags, std::string_view value) {
  const bool printable = std::ranges::all_of(value, [](char c) { return c >= ' ' && c <= '~'; });
  if (value.empty() || value.size() > kProductBytes || !printable)
    refuse("--sim-product", value, "1 to 128 printable ASCII characters");
  flags.simProduct = value;
}

void takeSimSms(Flags& flags, std::string_view value) {
  const auto number = numberOf<std::uint32_t>(value);
  if (!number || *number == 0 || *number > kMostSms) refuse("--sim-sms", value, "a number from 1 to 65536");
  flags.simSms = *number;
}

void takeSimMemory(Flags& flags, std::string_view value) {
  flags.simMemoryBytes = bytesOf("--sim-memory", value);
}

void takeSimGpus(Flags& flags, std::string_view value) {
  const auto number = numberOf<std::uint32_t>(value);
  if (!number || *number == 0 || *number > kMostSimGpus) refuse("--sim-gpus", value, "a number from 1 to 64");
  flags.simGpus = *number;
}

void takeTraceRecords(Flags& flags, std::string_view value) {
  const auto number = numberOf<std::size_t>(value);
  if (!number || *number < kLeastTraceRecords || *number > kMostTraceRecords)
    refuse("--trace-records", value, "a number from 1024 to 16777216, at 96 bytes each");
  flags.traceRecords = *number;
}

struct Flag {
  std::string_view name;
  std::string_view value;  // how the value is called; empty: takes none
  std::string_view words;
  void (*take)(Flags&, std::string_view);
};

constexpr std::array<Flag, 20> kFlags{{
    {"--socket", "PATH", "Unix socket of the agent's interface (runtime.proto)", takeSocket},
    {"--model-root", "DIR", "directory below which file:/// URIs of packages are", takeModelRoot},
    {"--inference-address", "HOST:PORT", "where inference is served (default 127.0.0.1:0, a free port)",
     takeAddress},
    {"--cores", "LIST", "cores given to inference, such as 0,1 or 0-3, or all that the process may use",
     takeCores},
    {"--engine", "NAME",
     "what executes stages: auto (torch where there is a GPU, else openvino), openvino, torch, or sim, which "
     "computes nothing",
     takeEngine},
    {"--gpu", "N|UUID",
     "GPU to serve, as CUDA counts them (default 0; with --supervise each, by a process of its own)",
     takeGpu},
    {"--node-gpus", "LIST", "UUIDs of all GPUs that have a runtime on this node; --supervise sets it",
     takeNodeGpus},
    {"--gpu-memory-percent", "N",
     "how much of the GPU's free memory is taken at start for models and jobs (default 90)",
     takeGpuMemoryShare},
    {"--pinned-memory", "BYTES",
     "page-locked host memory that is taken at start for inputs and outputs (default 512MiB)",
     takePinnedMemory},
    {"--sim-product", "NAME", "GPU that sim stands in for (default 'Simulated GPU')", takeSimProduct},
    {"--sim-sms", "N", "its streaming multiprocessors (default 132)", takeSimSms},
    {"--sim-memory", "BYTES", "its memory (default 80GiB)", takeSimMemory},
    {"--sim-gpus", "N", "how many of them there are (default 1)", takeSimGpus},
    {"--slot-memory", "BYTES", "bound on the buffers of jobs (default 4GiB)", takeSlotMemory},
    {"--trace-records", "N", "how many events the trace remembers (default 131072, 12 MiB)",
     takeTraceRecords},
    {"--supervise", "", "run a runtime for each GPU as a child, and restart those that die or hang",
     [](Flags& flags, std::string_view) { flags.supervise = true; }},
    {"--heartbeat", "", "tell the parent process once a second that jobs are dispatched; --supervise sets it",
     [](Flags& flags, std::string_view) { flags.heartbeat = true; }},
    {"--list-gpus", "", "print the UUIDs of the GPUs that --supervise would have served, one a line",
     [](Flags& flags, std::string_view) { flags.listGpus = true; }},
    {"--version", "", "print the version", [](Flags& flags, std::string_view) { flags.version = true; }},
    {"--help", "", "print this", [](Flags& flags, std::string_view) { flags.help = true; }},
}};

const Flag& find(std::string_view name) {
  const auto flag = std::ranges::find(kFlags, name, &Flag::name);
  if (flag == kFlags.end())
    throw FlagError(std::string(name) + ": unknown flag; --help lists those that work");
  return *flag;
}

void checkSimulated(const Flags& flags) {
  const bool simulated = flags.simProduct || flags.simSms || flags.simMemoryBytes || flags.simGpus;
  if (simulated && flags.engine != "sim") {
    throw FlagError("--sim-product, --sim-sms, --sim-memory, --sim-gpus: not with --engine=" + flags.engine +
                    "; add --engine=sim or leave them out");
  }
}

void checkComplete(const Flags& flags) {
  if (flags.help || flags.version) return;
  checkSimulated(flags);
  if (flags.listGpus) return;
  if (flags.socket.empty()) throw FlagError("--socket: missing, expected a path");
  if (flags.modelRoot.empty()) throw FlagError("--model-root: missing, expected an existing directory");
  if (flags.cores.empty()) throw FlagError("--cores: missing, expected core numbers such as 0,1, or all");
}

}  // namespace

Flags parseFlags(std::span<const char* const> arguments) {
  Flags flags;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    const auto equals = argument.find('=');
    const Flag& flag = find(argument.substr(0, equals));
    std::string_view value;
    if (flag.value.empty()) {
      if (equals != std::string_view::npos) throw FlagError(std::string(flag.name) + ": takes no value");
    } else if (equals != std::string_view::npos) {
      value = argument.substr(equals + 1);
    } else if (++i < arguments.size()) {
      value = arguments[i];
    } else {
      throw FlagError(std::string(flag.name) + ": missing its value, expected " + std::string(flag.value));
    }
    flag.take(flags, value);
  }
  checkComplete(flags);
  return flags;
}

std::string usage() {
  std::string text = "daris-runtime: runs real-time inference tasks on one device\n\n";
  for (const Flag& flag : kFlags) {
    std::string left =
        "  " + std::string(flag.name) + (flag.value.empty() ? "" : " ") + std::string(flag.value);
    left.resize(std::max<std::size_t>(left.size() + 2, 34), ' ');
    text += left + std::string(flag.words) + "\n";
  }
  return text;
}

}  // namespace daris::runtime
