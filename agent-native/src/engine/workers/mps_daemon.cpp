#include "engine/workers/mps_daemon.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string_view>
#include <thread>

namespace daris::engine::workers {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr const char* kProgram = "nvidia-cuda-mps-control";
constexpr std::string_view kNameOfAll =
    "nvidia-cuda-mps";  // control and server, as far as the kernel keeps names
constexpr auto kStart = std::chrono::seconds(10);
constexpr auto kEnd = std::chrono::seconds(5);
constexpr auto kLook = std::chrono::milliseconds(10);

fs::path program() {
  const char* const path = std::getenv("PATH");
  for (const auto part : std::views::split(std::string_view(path == nullptr ? "" : path), ':')) {
    const fs::path file = fs::path(std::string_view(part.begin(), part.end())) / kProgram;
    if (::access(file.c_str(), X_OK) == 0) return file;
  }
  throw std::invalid_argument(
      std::string("modes MPS and MPSStreams need ") + kProgram +
      ", which is not on PATH (it comes with NVIDIA's driver); use mode GreenContexts");
}

/// A folder that this user alone may enter: who can write there can take the daemon's place.
fs::path private_folder(const fs::path& folder) {
  (void)::mkdir(folder.c_str(), S_IRWXU);
  (void)::chmod(folder.c_str(), S_IRWXU);  // whatever the umask left
  struct stat status {};
  const bool ours = ::lstat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
                    status.st_uid == ::geteuid() && (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
  if (!ours)
    throw std::invalid_argument(folder.string() +
                                " is not a folder of this user alone, so no MPS is started in it");
  return folder;
}

std::string content_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// A daemon or server of MPS that was started for these pipes.
bool serves(const fs::path& process, const fs::path& pipes) {
  if (!content_of(process / "comm").starts_with(kNameOfAll)) return false;
  const std::string variables = '\0' + content_of(process / "environ");
  return variables.find('\0' + ("CUDA_MPS_PIPE_DIRECTORY=" + pipes.string()) + '\0') != std::string::npos;
}

/// Asked to end, then made to.
void end_stale(const fs::path& pipes) {
  for (const int signal : {SIGTERM, SIGKILL}) {
    for (const pid_t pid : mps_processes(pipes)) (void)::kill(pid, signal);
    const auto until = steady_clock::now() + kEnd;
    while (!mps_processes(pipes).empty() && steady_clock::now() < until) std::this_thread::sleep_for(kLook);
  }
}

}  // namespace

std::vector<pid_t> mps_processes(const fs::path& pipes) {
  std::vector<pid_t> pids;
  std::error_code gone;  // processes end while they are looked at
  for (const auto& entry : fs::directory_iterator("/proc", gone)) {
    const std::string name = entry.path().filename();
    if (std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; }) && serves(entry.path(), pipes))
      pids.push_back(std::stoi(name));
  }
  return pids;
}

fs::path mps_folder(const std::string& gpu_uuid) {
  return fs::temp_directory_path() / ("daris-mps-" + std::to_string(::geteuid())) / gpu_uuid;
}

MpsDaemon::MpsDaemon(const std::string& gpu_uuid, Ended ended)
    : folder_(mps_folder(gpu_uuid)), pipes_(folder_ / "pipe") {
  const fs::path file = program();
  private_folder(folder_.parent_path());
  private_folder(folder_);
  end_stale(pipes_);
  std::error_code ignored;
  fs::remove_all(pipes_, ignored);
  private_folder(pipes_);
  private_folder(folder_ / "log");
  std::vector<Command> commands(1);
  commands[0] = {.arguments = {file, "-f"},
                 .environment = environment_with({{"CUDA_MPS_PIPE_DIRECTORY", pipes_},
                                                  {"CUDA_MPS_LOG_DIRECTORY", folder_ / "log"},
                                                  {"CUDA_MPS_ACTIVE_THREAD_PERCENTAGE", std::nullopt},
                                                  {"CUDA_VISIBLE_DEVICES", gpu_uuid}}),
                 .end_signal = SIGTERM};
  process_ = std::make_unique<Processes>(
      std::move(commands), [this, ended = std::move(ended)](std::size_t, const std::string& how) {
        if (phase_.exchange(Phase::Ended) == Phase::Serving) ended("the MPS daemon " + how);
      });
  wait_until_ready();
}

MpsDaemon::~MpsDaemon() {
  process_.reset();
  end_stale(pipes_);  // a server whose daemon had to be killed
}

void MpsDaemon::wait_until_ready() {
  const auto until = steady_clock::now() + kStart;
  while (!fs::exists(pipes_ / "control") && phase_ == Phase::Starting && steady_clock::now() < until)
    std::this_thread::sleep_for(kLook);
  Phase starting = Phase::Starting;
  if (fs::exists(pipes_ / "control") && phase_.compare_exchange_strong(starting, Phase::Serving)) return;
  throw std::invalid_argument(std::string(kProgram) + " takes no clients; see " + (folder_ / "log").string() +
                              ", or use mode GreenContexts");
}

std::string mps_percentage(std::uint32_t granted, std::uint32_t all) {
  if (granted >= all) return "";
  constexpr double kHair = 0.0005;  // of a percent: far less than an SM
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4f", 100.0 * granted / all + kHair);
  return text.data();
}

}  // namespace daris::engine::workers
