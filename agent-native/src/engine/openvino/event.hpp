// eventfds: how a sleeping thread is woken. Nothing here allocates.
#pragma once

#include "base/unique_fd.hpp"

namespace daris::engine::openvino {

/// Throws std::system_error.
[[nodiscard]] UniqueFd make_eventfd(int flags);

/// Adds one. Never blocks in practice: the counter has 64 bits.
void signal_event(int fd) noexcept;

/// Takes the whole count (one of it from a semaphore); sleeps while it is zero unless the
/// eventfd is non-blocking.
void wait_event(int fd) noexcept;

}  // namespace daris::engine::openvino
