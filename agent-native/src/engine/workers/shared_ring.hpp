// A queue from one thread to one other, laid out so that the two may be in different processes.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>

namespace daris::engine::workers {

/// `push` belongs to one thread and `pop` to one thread; neither locks, allocates nor makes a system call.
/// Holds no pointers: it may lie at other addresses in each process. Zeroed memory is an empty ring. What the
/// other side writes, whatever it is, leads to no access outside of the ring.
template <typename T, std::size_t Capacity>
class SharedRing {
  static_assert(std::is_trivially_copyable_v<T>);
  static_assert((Capacity & (Capacity - 1)) == 0);
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

 public:
  /// False, and nothing done, when the ring is full.
  [[nodiscard]] bool push(const T& value) noexcept {
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) >= Capacity) return false;
    values_[tail % Capacity] = value;
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  /// For the thread that pops.
  [[nodiscard]] bool empty() const noexcept {
    return head_.load(std::memory_order_relaxed) == tail_.load(std::memory_order_acquire);
  }

  [[nodiscard]] std::optional<T> pop() noexcept {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return std::nullopt;
    const T value = values_[head % Capacity];
    head_.store(head + 1, std::memory_order_release);
    return value;
  }

 private:
  // On cache lines of their own: each is written by one side alone.
  alignas(64) std::atomic<std::uint64_t> head_{0};
  alignas(64) std::atomic<std::uint64_t> tail_{0};
  alignas(64) std::array<T, Capacity> values_{};
};

}  // namespace daris::engine::workers
