// A part of a GPU's SMs, and streams that run there. The green context is never made current: a stream of its
// own is all that a kernel needs to stay on its SMs, and only one thread at a time could have it current.
#pragma once

#include <cuda.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/torch/sm_groups.hpp"

namespace daris::engine::torch {

/// A CUDA stream; keeps what it needs of its green context alive.
class GpuStream {
 public:
  /// Null green context: a stream of the whole GPU, in the device's primary context, which must be current.
  /// Never waits for the default stream. Where the GPU can choose, it runs the work of high streams first.
  /// Throws std::runtime_error.
  explicit GpuStream(std::shared_ptr<CUgreenCtx_st> green, bool high = false);
  GpuStream(const GpuStream&) = delete;
  GpuStream& operator=(const GpuStream&) = delete;
  ~GpuStream();

  [[nodiscard]] CUstream get() const { return stream_; }

 private:
  std::shared_ptr<CUgreenCtx_st> green_;
  CUstream stream_ = nullptr;
};

/// The SMs of one context.
struct SmPartition {
  std::shared_ptr<CUgreenCtx_st> green;  ///< null: the whole GPU
  std::uint32_t sms = 0;                 ///< that it really has
};

/// The SMs of a device.
class SmSource {
 public:
  /// `ignore_coscheduling`: groups of 2 SMs instead of the hardware's own (8 on Hopper), which kernels with
  /// large thread-block clusters cannot run in. Throws std::runtime_error.
  SmSource(int device, bool ignore_coscheduling);

  [[nodiscard]] std::uint32_t sms() const { return all_.sm.smCount; }
  [[nodiscard]] SmSplit split() const;
  /// One partition for each entry; equal entries share one green context. Throws std::runtime_error.
  [[nodiscard]] std::vector<SmPartition> partitions(std::span<const SmGroups> contexts) const;

 private:
  [[nodiscard]] SmPartition make(const SmGroups& groups) const;

  CUdevice device_ = 0;
  CUdevResource all_{};
  std::vector<CUdevResource> groups_;
};

}  // namespace daris::engine::torch
