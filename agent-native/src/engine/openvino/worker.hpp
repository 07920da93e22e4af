// The thread that executes one stream: it sleeps until a stage is launched, runs it, and reports.
#pragma once

#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

#include "base/spsc_ring.hpp"
#include "base/unique_fd.hpp"
#include "engine/engine.hpp"

namespace daris::engine::openvino {

/// Where a worker stands in the partitioning.
struct WorkerPlace {
  std::uint32_t context;
  std::uint32_t stream;
  std::vector<std::uint32_t> cores;
};

/// Owns its thread, which is bound to the context's cores and takes no signals. It never spins: it shares its
/// core with the dispatcher.
class Worker {
 public:
  /// `completion_fd` is an eventfd that outlives the worker. Throws std::system_error where
  /// no thread can be had.
  Worker(const WorkerPlace& place, int completion_fd);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  /// Waits for the stage that runs, if one does.
  ~Worker();

  /// Dispatcher thread. False when the worker has work that was not polled yet.
  [[nodiscard]] bool launch(const Launch& launch) noexcept;
  /// Dispatcher thread.
  [[nodiscard]] std::optional<Completion> poll() noexcept { return completions_.pop(); }

 private:
  void run() noexcept;
  [[nodiscard]] Completion execute(const Launch& launch) const noexcept;

  std::uint32_t context_;
  std::uint32_t stream_;
  int completion_fd_;
  UniqueFd wake_;  // eventfd as a semaphore: one count a launch, and one to stop
  SpscRing<Launch> launches_{1};
  SpscRing<Completion> completions_{1};
  std::thread thread_;  // last: starts when all else is there
};

}  // namespace daris::engine::openvino
