#include "device/nvml_library.hpp"

#include <dlfcn.h>

#include <array>

#include "device/nvml_gpu.hpp"

namespace daris::device {

namespace {

constexpr const char* kLibrary = "libnvidia-ml.so.1";

template <typename Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

}  // namespace

std::shared_ptr<const NvmlLibrary> NvmlLibrary::open() {
  std::shared_ptr<NvmlLibrary> opened(new NvmlLibrary);
  return opened->load() ? opened : nullptr;
}

bool NvmlLibrary::load() {
  library_ = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (library_ == nullptr) return false;
  nvml::Init init = nullptr;
  nvml::Shutdown shutdown = nullptr;
  const bool complete = find(library_, "nvmlInit_v2", init) && find(library_, "nvmlShutdown", shutdown) &&
                        find(library_, "nvmlErrorString", errorString) &&
                        find(library_, "nvmlDeviceGetCount_v2", deviceCount) &&
                        find(library_, "nvmlDeviceGetHandleByIndex_v2", deviceByIndex) &&
                        find(library_, "nvmlDeviceGetHandleByUUID", deviceByUuid) &&
                        find(library_, "nvmlDeviceGetUUID", deviceUuid);
  if (!complete || init() != nvml::kSuccess) return false;
  shutdown_ = shutdown;
  find(library_, "nvmlDeviceGetMemoryInfo_v2", memoryInfo);
  find(library_, "nvmlDeviceGetClockInfo", clockInfo);
  find(library_, "nvmlDeviceGetPowerUsage", powerUsage);
  find(library_, "nvmlDeviceGetTemperature", temperature);
  if (!find(library_, "nvmlDeviceGetCurrentClocksEventReasons", clockReasons))
    find(library_, "nvmlDeviceGetCurrentClocksThrottleReasons", clockReasons);  // its name before driver 535
  find(library_, "nvmlDeviceGetTotalEccErrors", eccErrors);
  find(library_, "nvmlDeviceGetComputeRunningProcesses_v3", computeProcesses);
  find(library_, "nvmlDeviceGetMPSComputeRunningProcesses_v3", mpsProcesses);
  find(library_, "nvmlSystemGetProcessName", processName);
  find(library_, "nvmlEventSetCreate", eventSetCreate);
  find(library_, "nvmlEventSetFree", eventSetFree);
  find(library_, "nvmlDeviceRegisterEvents", registerEvents);
  find(library_, "nvmlEventSetWait_v2", eventSetWait);
  return true;
}

NvmlLibrary::~NvmlLibrary() {
  if (shutdown_ != nullptr) shutdown_();
  if (library_ != nullptr) ::dlclose(library_);
}

std::map<std::string, Census> censusOfAll(const std::shared_ptr<const NvmlLibrary>& library) {
  std::map<std::string, Census> found;
  unsigned count = 0;
  if (library == nullptr || library->deviceCount(&count) != nvml::kSuccess) return found;
  for (unsigned index = 0; index < count; ++index) {
    nvml::Device handle = nullptr;
    std::array<char, nvml::kUuidBytes> uuid{};
    if (library->deviceByIndex(index, &handle) != nvml::kSuccess) continue;
    if (library->deviceUuid(handle, uuid.data(), uuid.size()) != nvml::kSuccess) continue;
    if (auto census = NvmlGpu(library, handle).census()) found.emplace(uuid.data(), std::move(*census));
  }
  return found;
}

}  // namespace daris::device
