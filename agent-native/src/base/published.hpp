// The newest of a row of immutable values, from whoever makes it to whoever asks.
// std::atomic<std::shared_ptr> is the same with a spin lock inside, whose unlocking after a load orders
// nothing in libstdc++ 12: a data race.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace daris {

/// All methods may be called by any thread. The lock is held for the copy of a pointer; values end outside of
/// it.
template <typename T>
class Published {
 public:
  explicit Published(std::shared_ptr<const T> value = nullptr) : value_(std::move(value)) {}

  void store(std::shared_ptr<const T> value) {
    const std::scoped_lock lock(mutex_);
    value_.swap(value);
  }

  [[nodiscard]] std::shared_ptr<const T> load() const {
    const std::scoped_lock lock(mutex_);
    return value_;
  }

 private:
  mutable std::mutex mutex_;  // guards value_
  std::shared_ptr<const T> value_;
};

}  // namespace daris
