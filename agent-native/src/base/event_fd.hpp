// An eventfd that wakes a thread out of poll.
#pragma once

#include <sys/eventfd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

#include "base/unique_fd.hpp"

namespace daris {

/// Any thread signals; one thread polls get() and clears it before it looks for what was signalled.
class EventFd {
 public:
  EventFd() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!fd_) throw std::system_error(errno, std::generic_category(), "eventfd");
  }

  /// Never blocks: a counter that is full is readable all the same.
  void signal() const noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof one);
  }

  void clear() const noexcept {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto taken = ::read(fd_.get(), &count, sizeof count);
  }

  [[nodiscard]] int get() const noexcept { return fd_.get(); }

 private:
  UniqueFd fd_;
};

}  // namespace daris
