// Copies between the memory of single jobs and the buffers of a slot that has all of them one after another:
// by kernels, which a graph can hold and which read where the rows are when they run.
#pragma once

#include <cuda.h>
#include <cuda_runtime_api.h>

#include <cstdint>
#include <string>
#include <vector>

namespace daris::engine::torch {

/// Rows of a buffer, one after another, and where each is outside of it.
struct RowCopy {
  CUdeviceptr table = 0;   ///< of `rows` addresses, read when the copy runs; a row at 0 is left out
  CUdeviceptr buffer = 0;  ///< of rows * row_bytes
  std::uint32_t rows = 0;
  std::uint64_t row_bytes = 0;
  bool on_device = false;  ///< all rows are in the GPU's own memory; false: they may cross the bus
};

/// The kernels as a device of this architecture (`sm_90`) runs them. Needs no GPU. Throws std::runtime_error.
[[nodiscard]] std::vector<char> compile_row_kernels(const std::string& arch);

/// The kernels, compiled for the current device when they are made. Its methods may be captured.
class RowKernels {
 public:
  /// Throws std::runtime_error.
  RowKernels();
  RowKernels(const RowKernels&) = delete;
  RowKernels& operator=(const RowKernels&) = delete;
  ~RowKernels();

  /// From the rows into the buffer.
  void gather(const RowCopy& copy, cudaStream_t stream) const { launch(gather_, copy, stream); }
  /// From the buffer into the rows.
  void scatter(const RowCopy& copy, cudaStream_t stream) const { launch(scatter_, copy, stream); }

 private:
  static void launch(cudaKernel_t kernel, const RowCopy& copy, cudaStream_t stream);

  cudaLibrary_t library_ = nullptr;
  cudaKernel_t gather_ = nullptr;
  cudaKernel_t scatter_ = nullptr;
};

}  // namespace daris::engine::torch
