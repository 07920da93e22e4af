// Watching the GPU of the engine, where a driver tells of it.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/own_processes.hpp"
#include "device/nvml_library.hpp"
#include "device/watcher.hpp"
#include "runtime/runtime.hpp"

namespace daris::main {

/// Made before the engine, so that it knows who was there before. Without NVML, or where NVML does not know
/// the engine's device, it does nothing and costs nothing.
class GpuWatch {
 public:
  GpuWatch();

  /// Reports to the runtime from now on; stop() must come before the runtime ends.
  void start(runtime::Runtime& runtime);
  void stop() { watcher_.reset(); }

 private:
  std::shared_ptr<const device::NvmlLibrary> library_;
  std::map<std::string, device::Census> before_;  // by UUID
  OwnProcesses own_;  // of ours that work on the GPU: this one; its children are known by their ancestry
  std::unique_ptr<device::Watcher> watcher_;
};

}  // namespace daris::main
