#include "engine/torch/row_kernels.hpp"

#include <cuda_runtime_api.h>
#include <nvrtc.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/torch/build_check.hpp"
#include "engine/torch/driver.hpp"

namespace daris::engine::torch {
namespace {

// A piece is what a block copies at a time. Addresses are fetched once a block, since the table may be beyond
// the bus too.
constexpr const char* kSource = R"cuda(
typedef unsigned long long u64;
constexpr u64 kPiece = 8192;

__device__ void copy(unsigned char* to, const unsigned char* from, u64 bytes) {
  if (((u64)to | (u64)from | bytes) % sizeof(uint4) == 0) {
    for (u64 i = threadIdx.x; i < bytes / sizeof(uint4); i += blockDim.x) ((uint4*)to)[i] = ((const uint4*)from)[i];
  } else {
    for (u64 i = threadIdx.x; i < bytes; i += blockDim.x) to[i] = from[i];
  }
}

template <bool kGather>
__device__ void rows(unsigned char* const* table, unsigned char* buffer, u64 count, u64 bytes) {
  extern __shared__ unsigned char* row[];
  for (u64 i = threadIdx.x; i < count; i += blockDim.x) row[i] = table[i];
  __syncthreads();
  const u64 pieces = (bytes + kPiece - 1) / kPiece;
  for (u64 unit = blockIdx.x; unit < count * pieces; unit += gridDim.x) {
    const u64 index = unit / pieces, at = unit % pieces * kPiece, left = bytes - at;
    if (row[index] == nullptr) continue;
    unsigned char* inside = buffer + index * bytes + at;
    unsigned char* outside = row[index] + at;
    copy(kGather ? inside : outside, kGather ? outside : inside, left < kPiece ? left : kPiece);
  }
}

extern "C" __global__ void gather(unsigned char* const* table, unsigned char* buffer, u64 count, u64 bytes) {
  rows<true>(table, buffer, count, bytes);
}
extern "C" __global__ void scatter(unsigned char* const* table, unsigned char* buffer, u64 count, u64 bytes) {
  rows<false>(table, buffer, count, bytes);
}
)cuda";
constexpr std::uint64_t kPieceBytes = 8192;  // kPiece above
constexpr unsigned kThreads = kPieceBytes / 16;
// What keeps a bus busy is far less than what fills the GPU, which others want.
constexpr std::uint64_t kBlocksOverBus = 32;
constexpr std::uint64_t kBlocksOnDevice = 264;

void check_compiler(nvrtcResult result, nvrtcProgram program, const char* what) {
  if (result == NVRTC_SUCCESS) return;
  std::size_t bytes = 0;
  std::string log;
  if (program != nullptr && nvrtcGetProgramLogSize(program, &bytes) == NVRTC_SUCCESS) {
    log.resize(bytes);
    (void)nvrtcGetProgramLog(program, log.data());
  }
  throw std::runtime_error(std::string(what) + ": " + nvrtcGetErrorString(result) + " " + first_line(log));
}

/// Of the current device.
std::string architecture() {
  int device = 0;
  int major = 0;
  int minor = 0;
  check(::cudaGetDevice(&device), "the current GPU");
  check(::cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device),
        "the GPU's architecture");
  check(::cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device),
        "the GPU's architecture");
  return arch_word(major, minor);
}

}  // namespace

std::vector<char> compile_row_kernels(const std::string& arch) {
  const std::string wanted = "--gpu-architecture=" + arch;
  const char* const options[] = {wanted.c_str(), "--std=c++17"};
  nvrtcProgram program = nullptr;
  check_compiler(nvrtcCreateProgram(&program, kSource, "row_kernels.cu", 0, nullptr, nullptr), nullptr,
                 "NVRTC");
  const std::unique_ptr<nvrtcProgram, void (*)(nvrtcProgram*)> owner(
      &program, [](nvrtcProgram* made) { (void)nvrtcDestroyProgram(made); });
  check_compiler(nvrtcCompileProgram(program, 2, options), program, "compiling the copies of rows");
  std::size_t bytes = 0;
  check_compiler(nvrtcGetCUBINSize(program, &bytes), program, "NVRTC");
  std::vector<char> code(bytes);
  check_compiler(nvrtcGetCUBIN(program, code.data()), program, "NVRTC");
  return code;
}

RowKernels::RowKernels() {
  const std::vector<char> code = compile_row_kernels(architecture());
  check(::cudaLibraryLoadData(&library_, code.data(), nullptr, nullptr, 0, nullptr, nullptr, 0),
        "loading the copies of rows");
  check(::cudaLibraryGetKernel(&gather_, library_, "gather"), "the gathering of rows");
  check(::cudaLibraryGetKernel(&scatter_, library_, "scatter"), "the scattering of rows");
}

RowKernels::~RowKernels() {
  (void)::cudaLibraryUnload(library_);
}

void RowKernels::launch(cudaKernel_t kernel, const RowCopy& copy, cudaStream_t stream) {
  const std::uint64_t units = copy.rows * ((copy.row_bytes + kPieceBytes - 1) / kPieceBytes);
  const auto blocks = static_cast<unsigned>(
      std::clamp<std::uint64_t>(units, 1, copy.on_device ? kBlocksOnDevice : kBlocksOverBus));
  CUdeviceptr table = copy.table;
  CUdeviceptr buffer = copy.buffer;
  std::uint64_t count = copy.rows;
  std::uint64_t bytes = copy.row_bytes;
  void* arguments[] = {&table, &buffer, &count, &bytes};
  check(::cudaLaunchKernel(reinterpret_cast<const void*>(kernel), blocks, kThreads, arguments,
                           copy.rows * sizeof(CUdeviceptr), stream),
        "copying rows");
}

}  // namespace daris::engine::torch
