// The one thread that ends the stages of all streams, each when its time is over.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "base/event_fd.hpp"
#include "base/spsc_ring.hpp"
#include "engine/engine.hpp"

namespace daris::engine::sim {

/// Nanoseconds of the steady clock.
[[nodiscard]] std::int64_t now_ns();

/// A stage that runs, and when it ends.
struct Running {
  std::int64_t end_ns;
  Completion completion;
};

/// Owns its thread, which sleeps until the next stage ends or an earlier one is launched. Nothing that it or
/// its callers do per stage locks or allocates; a launch makes a system call only where the thread would
/// sleep too long.
class Timer {
 public:
  /// At most `streams` stages run at a time. `listener` outlives the timer. Throws std::system_error where no
  /// thread can be had.
  Timer(std::size_t streams, const std::atomic<CompletionListener*>& listener,
        const std::vector<std::uint32_t>& cores);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  /// What still runs is forgotten.
  ~Timer();

  /// Whoever dispatches.
  void launch(const Running& running) noexcept;
  /// Whoever dispatches.
  [[nodiscard]] std::optional<Completion> poll() noexcept { return completions_.pop(); }
  /// Whether it may be inside a listener that was read before.
  [[nodiscard]] bool telling() const noexcept { return telling_.load(); }

 private:
  void run() noexcept;
  void take_launches() noexcept;
  [[nodiscard]] bool end_due() noexcept;
  void tell() noexcept;
  void sleep() noexcept;

  const std::atomic<CompletionListener*>& listener_;
  std::atomic<bool> telling_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<std::int64_t> sleeps_until_ns_;
  EventFd wake_up_;
  SpscRing<Running> launches_;
  SpscRing<Completion> completions_;
  std::vector<Running> heap_;  // the thread's own: the next to end first
  std::thread thread_;         // last: starts when all else is there
};

}  // namespace daris::engine::sim
