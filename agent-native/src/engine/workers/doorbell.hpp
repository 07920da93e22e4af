// Waking a thread of another process, at no cost while it is awake.
//
//   sleeper                               ringer
//   state := asleep                       writes the news
//   looks for news; none: futex(state)    state unchanged, but written; was it asleep: state := awake, wake
//
// Both write `state`, so one of the two writes comes first in its order of changes. The ringer's: then the
// sleeper's write sees it, and with it the news, and does not sleep. The sleeper's: then the ringer sees
// `asleep` and wakes; a sleeper not yet inside the futex finds `state` changed and does not sleep.
#pragma once

#include <atomic>
#include <cstdint>

namespace daris::engine::workers {

/// One thread sleeps; any thread of any process that maps it rings. Zeroed memory is a bell whose sleeper is
/// awake. Sleeping may end without a ring.
class Doorbell {
 public:
  /// After the news was written. One atomic write while the sleeper is awake, else a system call too.
  void ring() noexcept {
    if (state_.fetch_add(0, std::memory_order_acq_rel) == kAsleep) wake();
  }

  /// Sleeps unless `has_news` says that there is something, asked once after whoever rings knows of the
  /// sleep.
  template <typename HasNews>
  void sleep(HasNews has_news) noexcept {
    state_.exchange(kAsleep, std::memory_order_acq_rel);
    if (!has_news()) wait();
    state_.store(kAwake, std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint32_t kAwake = 0;
  static constexpr std::uint32_t kAsleep = 1;

  void wake() noexcept;
  void wait() noexcept;

  static_assert(std::atomic<std::uint32_t>::is_always_lock_free);
  alignas(64) std::atomic<std::uint32_t> state_{kAwake};
};

}  // namespace daris::engine::workers
