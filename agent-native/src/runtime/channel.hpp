// A bounded lock-free queue with an eventfd that wakes its reader: how values cross to and from the
// dispatcher.
#pragma once

#include <poll.h>

#include "base/bounded_queue.hpp"
#include "base/event_fd.hpp"

namespace daris::runtime {

/// One writer (or several), one reader. Never allocates after construction.
template <typename T>
class Channel {
 public:
  explicit Channel(std::size_t capacity) : queue_(capacity) {}

  /// False when full; the value is then untouched.
  [[nodiscard]] bool trySend(T&& value) {
    if (!queue_.tryPush(std::move(value))) return false;
    wake_.signal();
    return true;
  }

  /// Waits while the queue is full; for callers that must not lose a value. Backs off without spinning.
  void send(T&& value) {
    while (!queue_.tryPush(std::move(value))) {
      wake_.signal();
      ::poll(nullptr, 0, 1);
    }
    wake_.signal();
  }

  [[nodiscard]] std::optional<T> tryReceive() { return queue_.tryPop(); }

  /// Readable when values wait; clear() before receiving.
  [[nodiscard]] int fd() const { return wake_.get(); }
  void clear() const { wake_.clear(); }
  void wake() const { wake_.signal(); }

 private:
  BoundedQueue<T> queue_;
  EventFd wake_;
};

}  // namespace daris::runtime
