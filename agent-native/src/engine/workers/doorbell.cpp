#include "engine/workers/doorbell.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

namespace daris::engine::workers {

// Not the private futexes: the two sides are different processes.

void Doorbell::wake() noexcept {
  state_.exchange(kAwake, std::memory_order_acq_rel);
  (void)::syscall(SYS_futex, &state_, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

void Doorbell::wait() noexcept {
  (void)::syscall(SYS_futex, &state_, FUTEX_WAIT, kAsleep, nullptr, nullptr, 0);
}

}  // namespace daris::engine::workers
