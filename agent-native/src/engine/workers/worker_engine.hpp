// An engine whose contexts are processes of their own: one worker for each, which runs an ordinary engine as
// one context. docs/adr/0017.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/engine.hpp"
#include "engine/workers/processes.hpp"

namespace daris::engine::workers {

struct WorkerTerms {
  Device device;  ///< that is divided
  /// What runs as a context of so many units and streams; descriptors are added.
  std::function<Command(std::uint32_t units, std::uint32_t streams)> command;
  /// A worker has ended by itself; all others have been killed. Nothing works any more, so it should not
  /// return. Called by a thread of the engine.
  std::function<void(const std::string& report)> lost;
};

/// Starts the workers of a partitioning, which is in force for as long as the engine lives: partition()
/// throws std::logic_error. Polled; launch and poll make a system call only where a worker sleeps. Throws
/// std::invalid_argument where the partitioning cannot be had.
[[nodiscard]] std::unique_ptr<Engine> make_engine(WorkerTerms terms, const Partitioning& partitioning);

}  // namespace daris::engine::workers
