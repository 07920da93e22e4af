// One GPU as NVML sees it.
#pragma once

#include <memory>
#include <string>

#include "device/gpu_source.hpp"
#include "device/nvml_library.hpp"

namespace daris::device {

class NvmlGpu final : public GpuSource {
 public:
  /// Null where NVML has no GPU of that UUID: an engine on cores, or one that only times.
  [[nodiscard]] static std::unique_ptr<NvmlGpu> find(std::shared_ptr<const NvmlLibrary> library,
                                                     const std::string& uuid);
  NvmlGpu(std::shared_ptr<const NvmlLibrary> library, nvml::Device handle);
  ~NvmlGpu() override;
  NvmlGpu(const NvmlGpu&) = delete;
  NvmlGpu& operator=(const NvmlGpu&) = delete;

  [[nodiscard]] Reading read() override;
  [[nodiscard]] std::optional<Census> census() override;
  /// From then on the driver keeps Xid errors for awaitXid.
  void listen();
  [[nodiscard]] bool tellsXids() const override { return events_ != nullptr; }
  [[nodiscard]] std::optional<std::uint64_t> awaitXid(std::chrono::milliseconds patience) override;

 private:
  [[nodiscard]] Process processOf(const nvml::ProcessInfo& info, bool mps) const;
  bool addProcesses(nvml::RunningProcesses list, bool mps, std::vector<Process>& processes) const;

  std::shared_ptr<const NvmlLibrary> library_;
  nvml::Device handle_;
  nvml::EventSet events_ = nullptr;
};

}  // namespace daris::device
