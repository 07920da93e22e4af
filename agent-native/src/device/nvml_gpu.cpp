#include "device/nvml_gpu.hpp"

#include <algorithm>
#include <array>
#include <thread>

#include "device/lineage.hpp"
#include "device/words.hpp"

namespace daris::device {

namespace {

constexpr unsigned kProcesses = 64;  // room for the first try; more are asked for where there are more
constexpr int kTries = 4;            // the list may grow between two of them

template <typename Value, typename Function, typename... Arguments>
std::optional<Value> ask(Function function, Arguments... arguments) {
  Value value{};
  if (function == nullptr || function(arguments..., &value) != nvml::kSuccess) return std::nullopt;
  return value;
}

}  // namespace

std::unique_ptr<NvmlGpu> NvmlGpu::find(std::shared_ptr<const NvmlLibrary> library, const std::string& uuid) {
  nvml::Device handle = nullptr;
  if (library == nullptr || library->deviceByUuid(uuid.c_str(), &handle) != nvml::kSuccess) return nullptr;
  return std::make_unique<NvmlGpu>(std::move(library), handle);
}

NvmlGpu::NvmlGpu(std::shared_ptr<const NvmlLibrary> library, nvml::Device handle)
    : library_(std::move(library)), handle_(handle) {}

NvmlGpu::~NvmlGpu() {
  if (events_ != nullptr) library_->eventSetFree(events_);
}

Reading NvmlGpu::read() {
  Reading reading;
  nvml::Memory memory{};
  memory.version = nvml::kMemoryVersion;
  const nvml::Return told =
      library_->memoryInfo == nullptr ? nvml::kTimeout : library_->memoryInfo(handle_, &memory);
  reading.lost = told == nvml::kGpuIsLost;
  if (told == nvml::kSuccess) {
    reading.memoryUsedBytes = memory.used;
    reading.memoryTotalBytes = memory.total;
  }
  reading.smClockMhz = ask<unsigned>(library_->clockInfo, handle_, nvml::kClockSm);
  reading.memoryClockMhz = ask<unsigned>(library_->clockInfo, handle_, nvml::kClockMemory);
  reading.powerMilliwatts = ask<unsigned>(library_->powerUsage, handle_);
  reading.temperatureCelsius = ask<unsigned>(library_->temperature, handle_, nvml::kTemperatureOfGpu);
  reading.eccUncorrectable =
      ask<unsigned long long>(library_->eccErrors, handle_, nvml::kUncorrected, nvml::kSinceReset);
  if (const auto reasons = ask<unsigned long long>(library_->clockReasons, handle_))
    reading.throttling = throttleWords(*reasons);
  return reading;
}

std::optional<Census> NvmlGpu::census() {
  Census census;
  if (!addProcesses(library_->computeProcesses, false, census.processes)) return std::nullopt;
  addProcesses(library_->mpsProcesses, true, census.processes);  // a driver without it has no such list
  nvml::Memory memory{};
  memory.version = nvml::kMemoryVersion;
  if (library_->memoryInfo != nullptr && library_->memoryInfo(handle_, &memory) == nvml::kSuccess)
    census.usedBytes = memory.used;
  return census;
}

/// A process may be in both lists, and in a container the driver lists one once for each of its clients.
bool NvmlGpu::addProcesses(nvml::RunningProcesses list, bool mps, std::vector<Process>& processes) const {
  if (list == nullptr) return false;
  std::vector<nvml::ProcessInfo> infos(kProcesses);
  nvml::Return told = nvml::kInsufficientSize;
  for (int tries = 0; tries < kTries && told == nvml::kInsufficientSize; ++tries) {
    auto count = static_cast<unsigned>(infos.size());
    told = list(handle_, &count, infos.data());
    infos.resize(told == nvml::kInsufficientSize ? std::max<std::size_t>(count, 2 * infos.size()) : count);
  }
  if (told != nvml::kSuccess) return false;
  for (const nvml::ProcessInfo& info : infos) {
    const auto known = std::ranges::find(processes, info.pid, &Process::pid);
    if (known == processes.end()) {
      processes.push_back(processOf(info, mps));
    } else {
      known->mps = known->mps || mps;
    }
  }
  return true;
}

Process NvmlGpu::processOf(const nvml::ProcessInfo& info, bool mps) const {
  Process process{.pid = info.pid, .lineage = lineageOf(info.pid), .memoryBytes = {}, .mps = mps, .name = {}};
  if (info.usedGpuMemory != nvml::kNotAvailable) process.memoryBytes = info.usedGpuMemory;
  std::array<char, 256> name{};
  const bool named = library_->processName != nullptr &&
                     library_->processName(info.pid, name.data(), name.size() - 1) == nvml::kSuccess;
  if (named) process.name = programWord(name.data());
  return process;
}

void NvmlGpu::listen() {
  if (library_->eventSetCreate == nullptr || library_->eventSetFree == nullptr ||
      library_->registerEvents == nullptr || library_->eventSetWait == nullptr)
    return;
  nvml::EventSet events = nullptr;
  if (library_->eventSetCreate(&events) != nvml::kSuccess) return;
  if (library_->registerEvents(handle_, nvml::kXidCritical, events) == nvml::kSuccess) {
    events_ = events;
  } else {
    library_->eventSetFree(events);
  }
}

std::optional<std::uint64_t> NvmlGpu::awaitXid(std::chrono::milliseconds patience) {
  nvml::EventData event{};
  const auto told = library_->eventSetWait(events_, &event, static_cast<unsigned>(patience.count()));
  if (told == nvml::kSuccess && event.type == nvml::kXidCritical) return event.data;
  // A GPU that is lost answers so at once, each time.
  if (told != nvml::kSuccess && told != nvml::kTimeout) std::this_thread::sleep_for(patience);
  return std::nullopt;
}

}  // namespace daris::device
