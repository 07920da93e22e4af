// NVML, opened while running. A machine without it is a machine without GPU, and nothing is wrong there.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "device/nvml_abi.hpp"
#include "device/report.hpp"

namespace daris::device {

/// NVML's functions; those after `deviceUuid` are null where the driver is too old to have them. Its
/// functions may be called by any thread.
class NvmlLibrary {
 public:
  /// Null where there is no NVML, or it finds no driver.
  [[nodiscard]] static std::shared_ptr<const NvmlLibrary> open();
  ~NvmlLibrary();
  NvmlLibrary(const NvmlLibrary&) = delete;
  NvmlLibrary& operator=(const NvmlLibrary&) = delete;

  nvml::ErrorString errorString = nullptr;
  nvml::DeviceCount deviceCount = nullptr;
  nvml::DeviceByIndex deviceByIndex = nullptr;
  nvml::DeviceByUuid deviceByUuid = nullptr;
  nvml::DeviceUuid deviceUuid = nullptr;
  nvml::MemoryInfo memoryInfo = nullptr;
  nvml::ClockInfo clockInfo = nullptr;
  nvml::PowerUsage powerUsage = nullptr;
  nvml::Temperature temperature = nullptr;
  nvml::ClockReasons clockReasons = nullptr;
  nvml::EccErrors eccErrors = nullptr;
  nvml::RunningProcesses computeProcesses = nullptr;
  nvml::RunningProcesses mpsProcesses = nullptr;
  nvml::ProcessName processName = nullptr;
  nvml::EventSetCreate eventSetCreate = nullptr;
  nvml::EventSetFree eventSetFree = nullptr;
  nvml::RegisterEvents registerEvents = nullptr;
  nvml::EventSetWait eventSetWait = nullptr;

 private:
  NvmlLibrary() = default;
  [[nodiscard]] bool load();

  void* library_ = nullptr;
  nvml::Shutdown shutdown_ = nullptr;  // null before NVML was initialised
};

/// Who works on which GPU now, by the GPU's UUID. Makes no context on any of them.
[[nodiscard]] std::map<std::string, Census> censusOfAll(const std::shared_ptr<const NvmlLibrary>& library);

}  // namespace daris::device
