// How a worker sleeps while it has nothing to do, and is woken. Whoever gives work to a thread that is awake
// makes no system call. Nothing here allocates or spins.
#pragma once

#include <atomic>

#include "base/unique_fd.hpp"

namespace daris::engine::openvino {

/// One thread waits; any other wakes it after it has made what is waited for.
class WakeUp {
 public:
  /// Throws std::system_error.
  WakeUp();

  /// Sleeps until `ready()` is true. What made it so was written before wake() was called, and is seen.
  template <typename Ready>
  void wait_until(Ready ready) noexcept {
    while (!ready()) {
      // Said first, looked again after: a wake() in between either sees the sleeper or is seen by the look.
      asleep_.exchange(true, std::memory_order_acq_rel);
      if (!ready()) sleep();
      asleep_.store(false, std::memory_order_relaxed);
    }
  }

  void wake() noexcept {
    if (asleep_.exchange(false, std::memory_order_acq_rel)) signal();
  }

 private:
  void sleep() const noexcept;
  void signal() const noexcept;

  std::atomic<bool> asleep_{false};
  UniqueFd event_;
};

}  // namespace daris::engine::openvino
