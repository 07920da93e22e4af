// A value or a typed error, for calls that must not throw.
// Reading the wrong side is a bug of the caller and asserts; it is never reached by input.
#pragma once

#include <cassert>
#include <utility>
#include <variant>

namespace daris {

/// Either a T or an E. T and E must be different types.
template <typename T, typename E>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by intent
  Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by intent

  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  [[nodiscard]] T& value() noexcept {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] const T& value() const noexcept {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] const E& error() const noexcept {
    assert(!ok());
    return *std::get_if<1>(&state_);
  }

  T& operator*() noexcept { return value(); }
  const T& operator*() const noexcept { return value(); }
  T* operator->() noexcept { return &value(); }
  const T* operator->() const noexcept { return &value(); }

 private:
  std::variant<T, E> state_;
};

/// The value of a call that has nothing to return but may fail.
struct Done {};

}  // namespace daris
