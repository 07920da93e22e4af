// A queue from one thread to one other: bounded, without locks, without allocation after construction.
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <vector>

namespace daris {

/// `push` belongs to one thread and `pop` to one thread. T is trivially copyable.
template <typename T>
class SpscRing {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  /// Holds at least `capacity` values (rounded up to a power of two).
  explicit SpscRing(std::size_t capacity) : slots_(round_up(capacity)), mask_(slots_.size() - 1) {}

  /// False, and nothing done, when the ring is full.
  [[nodiscard]] bool push(const T& value) noexcept {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) == slots_.size()) return false;
    slots_[tail & mask_] = value;
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  /// For the thread that pops.
  [[nodiscard]] bool empty() const noexcept {
    return head_.load(std::memory_order_relaxed) == tail_.load(std::memory_order_acquire);
  }

  [[nodiscard]] std::optional<T> pop() noexcept {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return std::nullopt;
    const T value = slots_[head & mask_];
    head_.store(head + 1, std::memory_order_release);
    return value;
  }

 private:
  static std::size_t round_up(std::size_t capacity) {
    std::size_t size = 1;
    while (size < capacity) size *= 2;
    return size;
  }

  std::vector<T> slots_;
  std::size_t mask_;
  // On cache lines of their own: each is written by one of the two threads alone.
  alignas(64) std::atomic<std::size_t> head_{0};
  alignas(64) std::atomic<std::size_t> tail_{0};
};

}  // namespace daris
