// The thread that executes one stream: it sleeps until a stage is launched, runs it, and tells the listener.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

#include "base/spsc_ring.hpp"
#include "engine/engine.hpp"
#include "engine/openvino/wake_up.hpp"

namespace daris::engine::openvino {

/// Where a worker stands in the partitioning.
struct WorkerPlace {
  std::uint32_t context;
  std::uint32_t stream;
  std::vector<std::uint32_t> cores;
};

/// Owns its thread, which is bound to the context's cores and takes no signals. It never spins: it shares its
/// cores with others.
class Worker {
 public:
  /// `listener` outlives the worker. Throws std::system_error where no thread can be had.
  Worker(const WorkerPlace& place, const std::atomic<CompletionListener*>& listener);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  /// Waits for the stage that runs, if one does.
  ~Worker();

  /// Whoever dispatches. False when the worker has work that was not polled yet.
  [[nodiscard]] bool launch(const Launch& launch) noexcept;
  /// Whoever dispatches.
  [[nodiscard]] std::optional<Completion> poll() noexcept { return completions_.pop(); }
  /// Whether it may be inside a listener that was read before.
  [[nodiscard]] bool telling() const noexcept { return telling_.load(); }

 private:
  void run() noexcept;
  [[nodiscard]] Completion execute(const Launch& launch) const noexcept;
  void tell() noexcept;

  std::uint32_t context_;
  std::uint32_t stream_;
  const std::atomic<CompletionListener*>& listener_;
  std::atomic<bool> telling_{false};
  std::atomic<bool> stopping_{false};
  WakeUp wake_up_;
  SpscRing<Launch> launches_{1};
  SpscRing<Completion> completions_{1};
  std::thread thread_;  // last: starts when all else is there
};

}  // namespace daris::engine::openvino
