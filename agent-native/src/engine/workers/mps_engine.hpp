// A GPU with all partition modes: within this process, or by MPS with a process for each context.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "engine/engine.hpp"

namespace daris::engine::workers {

struct MpsTerms {
  std::filesystem::path worker;  ///< daris-worker
  bool copies = true;            ///< as in torch's EngineOptions
  double memory_share = 0.9;     ///< of the GPU's memory, for all workers together
  /// A worker or the MPS daemon has ended by itself; all workers and the daemon are gone. Does not return.
  std::function<void(const std::string& report)> lost;
};

/// `inner` is the torch engine of a GPU; modes MPS and MPSStreams become possible. The daemon runs while one
/// of these is in force.
[[nodiscard]] std::unique_ptr<Engine> with_mps(std::unique_ptr<Engine> inner, MpsTerms terms);

/// The worker program beside this program's file.
[[nodiscard]] std::filesystem::path worker_beside_program();

}  // namespace daris::engine::workers
