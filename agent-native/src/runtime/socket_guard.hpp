// One runtime to a socket: a lock that dies with its process says who owns the path, so that a crashed
// runtime never blocks the next one.
#pragma once

#include <stdexcept>
#include <string>

#include "base/unique_fd.hpp"

namespace daris::runtime {

/// Another process serves the socket, or what is there is no socket.
class SocketTaken : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Holds `PATH.lock` while it lives, and has removed a dead socket at PATH when constructed.
class SocketGuard {
 public:
  /// Throws SocketTaken, or std::system_error where the directory does not allow it.
  explicit SocketGuard(const std::string& path);

 private:
  UniqueFd lock_;
};

}  // namespace daris::runtime
