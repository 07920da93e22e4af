#include "device/faults.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace daris::device {

namespace {

/// Engine exception, memory page fault, reset of a channel, clean-up after one, video processor, time-out of
/// a context switch: by NVIDIA's catalogue of Xid errors what programs cause, and Kubernetes' own device
/// plugin passes over.
constexpr std::array<std::uint64_t, 6> kOfPrograms{13, 31, 43, 45, 68, 109};

}  // namespace

bool isOfProgram(std::uint64_t xid) {
  return std::ranges::find(kOfPrograms, xid) != kOfPrograms.end();
}

std::optional<Fault> faultOf(const Reading& reading, const std::optional<Xid>& xid) {
  if (reading.lost)
    return Fault{"GpuLost", "the GPU does not answer its driver any more; restart the machine"};
  if (reading.eccUncorrectable.value_or(0) > 0) {
    return Fault{"EccUncorrectable",
                 "uncorrectable memory errors: " + std::to_string(*reading.eccUncorrectable) +
                     "; drain the node and reset the GPU (nvidia-smi --gpu-reset)"};
  }
  if (xid) {
    return Fault{"XidCritical",
                 "the driver logged Xid " + std::to_string(xid->code) +
                     "; look it up in NVIDIA's catalogue, reset the GPU if it says so, and start the "
                     "runtime anew"};
  }
  return std::nullopt;
}

}  // namespace daris::device
