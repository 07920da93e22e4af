// A lock-free queue of fixed capacity: any number of producers, one consumer.
// Each cell carries a sequence number that says whose turn it is, so that full and empty need no lock.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

namespace daris {

/// Producers call tryPush from any thread, one consumer calls tryPop. Neither blocks nor allocates. Values of
/// one producer come out in its order.
template <typename T>
class BoundedQueue {
 public:
  /// `capacity` is rounded up to a power of two.
  explicit BoundedQueue(std::size_t capacity)
      : mask_(std::bit_ceil(capacity < 2 ? std::size_t{2} : capacity) - 1),
        cells_(std::make_unique<Cell[]>(mask_ + 1)) {
    for (std::size_t i = 0; i <= mask_; ++i) cells_[i].sequence.store(i, std::memory_order_relaxed);
  }

  BoundedQueue(const BoundedQueue&) = delete;
  BoundedQueue& operator=(const BoundedQueue&) = delete;

  /// False when full; `value` is then untouched.
  [[nodiscard]] bool tryPush(T&& value) {
    std::size_t position = tail_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = cells_[position & mask_];
      const auto turn = static_cast<std::ptrdiff_t>(cell.sequence.load(std::memory_order_acquire) - position);
      if (turn < 0) return false;
      if (turn > 0) {
        position = tail_.load(std::memory_order_relaxed);
      } else if (tail_.compare_exchange_weak(position, position + 1, std::memory_order_relaxed)) {
        cell.value.emplace(std::move(value));
        cell.sequence.store(position + 1, std::memory_order_release);
        return true;
      }
    }
  }

  /// The oldest value, or nothing when empty or when its producer has not finished writing it.
  [[nodiscard]] std::optional<T> tryPop() {
    Cell& cell = cells_[head_ & mask_];
    if (cell.sequence.load(std::memory_order_acquire) != head_ + 1) return std::nullopt;
    std::optional<T> value = std::move(cell.value);
    cell.value.reset();
    cell.sequence.store(head_ + mask_ + 1, std::memory_order_release);
    ++head_;
    return value;
  }

 private:
  struct Cell {
    std::atomic<std::size_t> sequence;
    std::optional<T> value;
  };

  const std::size_t mask_;
  const std::unique_ptr<Cell[]> cells_;
  alignas(64) std::atomic<std::size_t> tail_{0};
  alignas(64) std::size_t head_ = 0;  // the consumer's alone
};

}  // namespace daris
