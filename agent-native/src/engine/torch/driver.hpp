// The CUDA driver's functions that the runtime library has no equal of, asked for by name while running:
// nothing links libcuda, so that a binary starts on a machine without it.
#pragma once

#include <cuda.h>
#include <cuda_runtime_api.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace daris::engine::torch {

/// Entry points of the driver. Each answers a CUresult.
struct Driver {
  decltype(&::cuGetErrorString) get_error_string;
  decltype(&::cuDeviceGet) device_get;
  decltype(&::cuDeviceGetDevResource) device_get_resource;
  decltype(&::cuDevSmResourceSplitByCount) split_sms;
  decltype(&::cuDevResourceGenerateDesc) generate_desc;
  decltype(&::cuGreenCtxCreate) green_create;
  decltype(&::cuGreenCtxDestroy) green_destroy;
  decltype(&::cuGreenCtxStreamCreate) green_stream_create;
  decltype(&::cuGreenCtxGetDevResource) green_get_resource;
  decltype(&::cuStreamCreateWithPriority) stream_create;
  decltype(&::cuStreamDestroy) stream_destroy;
  decltype(&::cuStreamQuery) stream_query;
  decltype(&::cuStreamWriteValue32) stream_write;
  decltype(&::cuGraphLaunch) graph_launch;
  decltype(&::cuGraphUpload) graph_upload;
};

/// The driver of this process. The runtime library must have a device. Throws std::runtime_error where there
/// is none, or where it is older than CUDA 12.4, which brought green contexts.
[[nodiscard]] const Driver& driver();

/// An error in the driver's words, with its number.
[[nodiscard]] std::string words_of(CUresult error);

/// Throws std::runtime_error saying what failed and why.
void check(CUresult result, const char* what);
void check(cudaError_t result, const char* what);

/// What torch says before it shows its own stack, fit for messages.
[[nodiscard]] std::string first_line(std::string_view text);

/// Memory that the current device has left. Throws std::runtime_error.
[[nodiscard]] std::uint64_t free_bytes();

}  // namespace daris::engine::torch
