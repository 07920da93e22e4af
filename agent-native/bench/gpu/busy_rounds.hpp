// What a dispatcher that spins spends on its work: the time of its rounds, without those that found nothing.
#pragma once

#include <atomic>
#include <cstdint>

namespace daris::bench {

struct BusyTime {
  std::int64_t worked_ns = 0;  ///< of rounds in which the scheduler was told or decided something
  std::int64_t other_ns = 0;   ///< of long rounds in which it was not: figures, interrupts
  std::int64_t launch_ns = 0;  ///< inside the engine's launch; part of `worked_ns`
  std::uint64_t rounds = 0;    ///< all
};

/// A round lasts from one poll for completions to the next. In a round that did something the scheduler wrote
/// into its trace: completions, releases, decisions and launches all do. Written by the dispatcher's thread
/// alone; opened, closed and read by any other.
class BusyRounds {
 public:
  /// A round without work that takes longer is not idle polling.
  static constexpr std::int64_t kLongNs = 10'000;

  /// A poll begins: `written` records are in the trace.
  void polled(std::int64_t now_ns, std::uint64_t written) {
    if (open_.load(std::memory_order_relaxed) && last_ns_ != 0) count(now_ns - last_ns_, written != written_);
    last_ns_ = now_ns;
    written_ = written;
  }

  void launched(std::int64_t ns) {
    if (open_.load(std::memory_order_relaxed)) add(launch_ns_, ns);
  }

  void open() { open_.store(true, std::memory_order_relaxed); }
  void close() { open_.store(false, std::memory_order_relaxed); }

  [[nodiscard]] BusyTime total() const {
    return {.worked_ns = worked_ns_.load(std::memory_order_relaxed),
            .other_ns = other_ns_.load(std::memory_order_relaxed),
            .launch_ns = launch_ns_.load(std::memory_order_relaxed),
            .rounds = rounds_.load(std::memory_order_relaxed)};
  }

 private:
  /// One writer: a plain store is enough.
  template <typename T>
  static void add(std::atomic<T>& to, T more) {
    to.store(to.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }

  void count(std::int64_t ns, bool worked) {
    add<std::uint64_t>(rounds_, 1);
    if (worked) {
      add(worked_ns_, ns);
    } else if (ns >= kLongNs) {
      add(other_ns_, ns);
    }
  }

  std::int64_t last_ns_ = 0;
  std::uint64_t written_ = 0;
  std::atomic<bool> open_{false};
  std::atomic<std::int64_t> worked_ns_{0};
  std::atomic<std::int64_t> other_ns_{0};
  std::atomic<std::int64_t> launch_ns_{0};
  std::atomic<std::uint64_t> rounds_{0};
};

}  // namespace daris::bench
