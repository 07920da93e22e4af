#include "engine/torch/driver.hpp"

#include <stdexcept>

#include "model/error.hpp"

namespace daris::engine::torch {
namespace {

constexpr unsigned kDriverVersion = 13000;  // whose variant of each function cuda.h declares

template <typename Function>
void find(const char* name, Function& function) {
  void* found = nullptr;
  cudaDriverEntryPointQueryResult status = cudaDriverEntryPointSymbolNotFound;
  const cudaError_t error =
      ::cudaGetDriverEntryPointByVersion(name, &found, kDriverVersion, cudaEnableDefault, &status);
  if (error != cudaSuccess || status != cudaDriverEntryPointSuccess || found == nullptr) {
    throw std::runtime_error(std::string("the CUDA driver has no ") + name +
                             "; install driver 580 (CUDA 13.0) or newer");
  }
  function = reinterpret_cast<Function>(found);
}

Driver find_all() {
  Driver driver{};
  find("cuGetErrorString", driver.get_error_string);
  find("cuDeviceGet", driver.device_get);
  find("cuDeviceGetDevResource", driver.device_get_resource);
  find("cuDevSmResourceSplitByCount", driver.split_sms);
  find("cuDevResourceGenerateDesc", driver.generate_desc);
  find("cuGreenCtxCreate", driver.green_create);
  find("cuGreenCtxDestroy", driver.green_destroy);
  find("cuGreenCtxStreamCreate", driver.green_stream_create);
  find("cuGreenCtxGetDevResource", driver.green_get_resource);
  find("cuStreamCreateWithPriority", driver.stream_create);
  find("cuStreamDestroy", driver.stream_destroy);
  find("cuStreamQuery", driver.stream_query);
  find("cuStreamWriteValue32", driver.stream_write);
  find("cuGraphLaunch", driver.graph_launch);
  find("cuGraphUpload", driver.graph_upload);
  return driver;
}

}  // namespace

const Driver& driver() {
  static const Driver found = find_all();
  return found;
}

std::string words_of(CUresult error) {
  const char* text = nullptr;
  if (driver().get_error_string(error, &text) != CUDA_SUCCESS || text == nullptr) text = "unknown error";
  return std::string(text) + " (CUDA error " + std::to_string(static_cast<int>(error)) + ")";
}

void check(CUresult result, const char* what) {
  if (result != CUDA_SUCCESS) throw std::runtime_error(std::string(what) + ": " + words_of(result));
}

void check(cudaError_t result, const char* what) {
  if (result == cudaSuccess) return;
  throw std::runtime_error(std::string(what) + ": " + ::cudaGetErrorString(result) + " (CUDA error " +
                           std::to_string(static_cast<int>(result)) + ")");
}

std::string first_line(std::string_view text) {
  return model::printable(text.substr(0, text.find('\n')));
}

std::uint64_t free_bytes() {
  std::size_t free = 0;
  std::size_t total = 0;
  check(::cudaMemGetInfo(&free, &total), "the GPU's memory");
  return free;
}

}  // namespace daris::engine::torch
