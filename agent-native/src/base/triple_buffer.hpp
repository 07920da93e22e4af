// The newest value from one writer to one reader, without locks: the writer never waits, the reader never
// sees a half-written value.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace daris {

/// One thread uses back() and publish(), one other refresh() and front(). Storage of T is reused.
template <typename T>
class TripleBuffer {
 public:
  /// The writer's copy; holds an older value until it is overwritten.
  [[nodiscard]] T& back() { return buffers_[back_]; }

  /// Makes back() the newest value.
  void publish() { back_ = middle_.exchange(back_ | kFresh, std::memory_order_acq_rel) & kIndex; }

  /// Takes the newest value if there is one since the last call.
  bool refresh() {
    if ((middle_.load(std::memory_order_relaxed) & kFresh) == 0) return false;
    front_ = middle_.exchange(front_, std::memory_order_acq_rel) & kIndex;
    return true;
  }

  [[nodiscard]] const T& front() const { return buffers_[front_]; }

 private:
  static constexpr std::uint32_t kIndex = 3;
  static constexpr std::uint32_t kFresh = 4;

  std::array<T, 3> buffers_{};
  std::uint32_t back_ = 0;
  std::uint32_t front_ = 2;
  std::atomic<std::uint32_t> middle_{1};
};

}  // namespace daris
