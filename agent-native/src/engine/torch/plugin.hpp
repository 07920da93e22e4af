// What the torch engine's library and the program that opens it agree on. The library is apart so that one
// program serves on machines with and without a GPU or torch (docs/adr/0016).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/engine.hpp"

namespace daris::engine::torch {

/// Ends the process over a lost device. Called by whichever thread finds it lost; never returns.
using Lost = void (*)(const char* report);

/// Room for a hundred slots of ResNets at batch 8 in FP16.
inline constexpr std::size_t kPinnedBytes = std::size_t{512} << 20;

struct EngineOptions {
  int device = 0;                    ///< as CUDA counts the devices that this process may see
  bool ignore_coscheduling = false;  ///< SMs in groups of 2, not of the hardware's size (8 on Hopper)
  /// Of the GPU, at most, for models and slots, taken piece by piece; 0: the share, taken at start.
  std::uint64_t memory_bytes = 0;
  double memory_share = 0.9;                ///< of the GPU's free memory
  std::size_t pinned_bytes = kPinnedBytes;  ///< of host memory, taken at start for inputs and outputs
  bool copies = true;                       ///< false, for comparisons: inputs and outputs stay on the GPU
  Lost lost = nullptr;  ///< null: the report goes to stderr, then the process ends with kLostStatus
};

/// Exit status of a process whose device is lost: a new process may have it again.
inline constexpr int kLostStatus = 3;

/// What the library's one exported function answers.
struct Plugin {
  const char* build;  ///< of the whole project; another build's engine is not opened
  /// Throws std::runtime_error where the machine has no usable GPU.
  std::unique_ptr<Engine> (*make_engine)(const EngineOptions& options);
};

inline constexpr const char* kPluginFile = "libdaris_torch.so";
inline constexpr const char* kPluginFunction = "daris_torch_plugin";
using PluginFunction = const Plugin* (*)();

}  // namespace daris::engine::torch
