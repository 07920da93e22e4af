// Stands in for NVIDIA's library where there is no GPU: answers what the file DARIS_RECORDED_NVML says at
// that moment, a line each. What has no line is not supported, as on a driver that does not tell it.
//   gpu UUID | memory USED TOTAL | clocks SM MEMORY | power MILLIWATTS | temperature CELSIUS | reasons BITS |
//   ecc ERRORS compute PID BYTES NAME | mps PID BYTES NAME      PID `self`: who asks; BYTES `-`: not told;
//   NAME `-`: cannot be read xid SERIAL CODE                                  told once to each event set;
//   serials grow lost                                             the GPU does not answer any more
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "device/nvml_abi.hpp"

namespace nvml = daris::device::nvml;

namespace {

constexpr nvml::Return kNotSupported = 3;
constexpr nvml::Return kNotFound = 6;
constexpr auto kLook = std::chrono::milliseconds(10);

using Line = std::vector<std::string>;

std::vector<Line> linesOf(const std::string& word) {
  std::vector<Line> found;
  const char* path = std::getenv("DARIS_RECORDED_NVML");
  std::ifstream file(path == nullptr ? "" : path);
  for (std::string text; std::getline(file, text);) {
    std::istringstream words(text);
    Line line;
    for (std::string each; words >> each;) line.push_back(each);
    if (!line.empty() && line[0] == word) found.push_back(line);
  }
  return found;
}

unsigned long long numberOf(const std::string& word) {
  return std::strtoull(word.c_str(), nullptr, 10);
}

/// The n-th word of the first such line.
template <typename Number>
nvml::Return tell(const char* word, std::size_t n, Number* value) {
  if (!linesOf("lost").empty()) return nvml::kGpuIsLost;
  const auto lines = linesOf(word);
  if (lines.empty() || lines[0].size() <= n) return kNotSupported;
  *value = static_cast<Number>(numberOf(lines[0][n]));
  return nvml::kSuccess;
}

unsigned pidOf(const std::string& word) {
  return word == "self" ? static_cast<unsigned>(::getpid()) : static_cast<unsigned>(numberOf(word));
}

nvml::Return listed(const char* word, unsigned* count, nvml::ProcessInfo* infos) {
  if (!linesOf("lost").empty()) return nvml::kGpuIsLost;
  const auto lines = linesOf(word);
  const auto room = *count;
  *count = static_cast<unsigned>(lines.size());
  if (lines.size() > room) return nvml::kInsufficientSize;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto bytes = lines[i][2] == "-" ? nvml::kNotAvailable : numberOf(lines[i][2]);
    infos[i] = {pidOf(lines[i][1]), bytes, 0, 0};
  }
  return nvml::kSuccess;
}

/// What has been recorded before it was made is over.
struct Events {
  unsigned long long told = 0;
};

nvml::Device theDevice() {
  static char device;
  return reinterpret_cast<nvml::Device>(&device);
}

}  // namespace

extern "C" {

nvml::Return nvmlInit_v2() {
  return std::getenv("DARIS_RECORDED_NVML") == nullptr ? 9 : nvml::kSuccess;  // 9: no driver
}
nvml::Return nvmlShutdown() {
  return nvml::kSuccess;
}
const char* nvmlErrorString(nvml::Return) {
  return "recorded";
}
nvml::Return nvmlDeviceGetCount_v2(unsigned* count) {
  *count = static_cast<unsigned>(linesOf("gpu").size());
  return nvml::kSuccess;
}
nvml::Return nvmlDeviceGetHandleByIndex_v2(unsigned index, nvml::Device* device) {
  *device = theDevice();
  return index == 0 ? nvml::kSuccess : kNotFound;
}
nvml::Return nvmlDeviceGetUUID(nvml::Device, char* uuid, unsigned length) {
  const auto lines = linesOf("gpu");
  if (lines.empty()) return kNotFound;
  std::strncpy(uuid, lines[0][1].c_str(), length - 1);
  return nvml::kSuccess;
}
nvml::Return nvmlDeviceGetHandleByUUID(const char* uuid, nvml::Device* device) {
  const auto lines = linesOf("gpu");
  *device = theDevice();
  return !lines.empty() && lines[0][1] == uuid ? nvml::kSuccess : kNotFound;
}
nvml::Return nvmlDeviceGetMemoryInfo_v2(nvml::Device, nvml::Memory* memory) {
  if (memory->version != nvml::kMemoryVersion) return 25;  // another version of the argument
  const auto told = tell("memory", 1, &memory->used);
  return told == nvml::kSuccess ? tell("memory", 2, &memory->total) : told;
}
nvml::Return nvmlDeviceGetClockInfo(nvml::Device, unsigned clock, unsigned* mhz) {
  return tell("clocks", clock == nvml::kClockSm ? 1 : 2, mhz);
}
nvml::Return nvmlDeviceGetPowerUsage(nvml::Device, unsigned* milliwatts) {
  return tell("power", 1, milliwatts);
}
nvml::Return nvmlDeviceGetTemperature(nvml::Device, unsigned, unsigned* celsius) {
  return tell("temperature", 1, celsius);
}
nvml::Return nvmlDeviceGetCurrentClocksEventReasons(nvml::Device, unsigned long long* reasons) {
  return tell("reasons", 1, reasons);
}
nvml::Return nvmlDeviceGetTotalEccErrors(nvml::Device, unsigned, unsigned, unsigned long long* errors) {
  return tell("ecc", 1, errors);
}
nvml::Return nvmlDeviceGetComputeRunningProcesses_v3(nvml::Device, unsigned* count,
                                                     nvml::ProcessInfo* infos) {
  return listed("compute", count, infos);
}
nvml::Return nvmlDeviceGetMPSComputeRunningProcesses_v3(nvml::Device, unsigned* count,
                                                        nvml::ProcessInfo* infos) {
  return listed("mps", count, infos);
}
nvml::Return nvmlSystemGetProcessName(unsigned pid, char* name, unsigned length) {
  for (const char* word : {"compute", "mps"}) {
    for (const Line& line : linesOf(word)) {
      if (pidOf(line[1]) != pid || line[3] == "-") continue;
      std::strncpy(name, line[3].c_str(), length - 1);
      return nvml::kSuccess;
    }
  }
  return kNotFound;
}
nvml::Return nvmlEventSetCreate(nvml::EventSet* set) {
  auto* events = new Events;
  for (const Line& line : linesOf("xid")) events->told = std::max(events->told, numberOf(line[1]));
  *set = reinterpret_cast<nvml::EventSet>(events);
  return nvml::kSuccess;
}
nvml::Return nvmlEventSetFree(nvml::EventSet set) {
  delete reinterpret_cast<Events*>(set);
  return nvml::kSuccess;
}
nvml::Return nvmlDeviceRegisterEvents(nvml::Device, unsigned long long types, nvml::EventSet) {
  return types == nvml::kXidCritical ? nvml::kSuccess : kNotSupported;
}
nvml::Return nvmlEventSetWait_v2(nvml::EventSet set, nvml::EventData* data, unsigned timeoutMs) {
  auto* events = reinterpret_cast<Events*>(set);
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeoutMs);
  for (;;) {
    for (const Line& line : linesOf("xid")) {
      if (numberOf(line[1]) <= events->told) continue;
      events->told = numberOf(line[1]);
      *data = {theDevice(), nvml::kXidCritical, numberOf(line[2]), 0, 0};
      return nvml::kSuccess;
    }
    if (std::chrono::steady_clock::now() >= end) return nvml::kTimeout;
    std::this_thread::sleep_for(kLook);
  }
}

}  // extern "C"
