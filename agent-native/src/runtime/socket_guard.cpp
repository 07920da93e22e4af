#include "runtime/socket_guard.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace daris::runtime {

namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

UniqueFd lockOf(const std::string& path) {
  const std::string name = path + ".lock";
  UniqueFd lock(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) fail("--socket: " + name);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  throw SocketTaken("--socket: " + path + " is served by another runtime; end it or choose another path");
}

/// Whether somebody accepts connections there, with our lock or without.
bool answers(const std::string& path) {
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) fail("socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
  return errno == EAGAIN || errno == EINPROGRESS;  // a full backlog is somebody's too
}

}  // namespace

SocketGuard::SocketGuard(const std::string& path) : lock_(lockOf(path)) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return;
    fail("--socket: " + path);
  }
  if (!S_ISSOCK(found.st_mode)) throw SocketTaken("--socket: " + path + " is there and is not a socket");
  if (answers(path)) throw SocketTaken("--socket: " + path + " is served by another process; end it first");
  if (::unlink(path.c_str()) != 0) fail("--socket: " + path);
}

}  // namespace daris::runtime
