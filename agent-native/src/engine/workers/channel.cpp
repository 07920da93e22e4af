#include "engine/workers/channel.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

namespace daris::engine::workers {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 17;  // less than a socket's buffer

/// Room for one descriptor beside a message.
struct Ancillary {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> bytes{};
};

}  // namespace

std::pair<UniqueFd, UniqueFd> Channel::make_ends() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw std::system_error(errno, std::generic_category(), "a socket to a worker");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

void Channel::send(const nlohmann::json& body, int fd) {
  // Words of a framework may be no UTF-8.
  std::string text = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  iovec piece{text.data(), text.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  Ancillary ancillary;
  if (fd >= 0) {
    message.msg_control = ancillary.bytes.data();
    message.msg_controllen = ancillary.bytes.size();
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  while (::sendmsg(socket_.get(), &message, MSG_NOSIGNAL) < 0) {
    if (errno == EINTR) continue;
    if (errno == EPIPE || errno == ECONNRESET) throw ChannelClosed("the other process is gone");
    throw std::system_error(errno, std::generic_category(), "a message to another process");
  }
}

std::optional<Message> Channel::receive() {
  std::string text(kMostBytes, '\0');
  iovec piece{text.data(), text.size()};
  Ancillary ancillary;
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = ancillary.bytes.data();
  message.msg_controllen = ancillary.bytes.size();
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && errno != ECONNRESET)
    throw std::system_error(errno, std::generic_category(), "a message of another process");
  if (got <= 0) return std::nullopt;
  Message received;
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    received.fd = UniqueFd(fd);
  }
  text.resize(static_cast<std::size_t>(got));
  received.body = nlohmann::json::parse(text, nullptr, false);
  if (!received.body.is_object()) throw std::runtime_error("another process sent what is no message");
  return received;
}

bool Channel::wait(int timeout_ms) const {
  pollfd readable{.fd = socket_.get(), .events = POLLIN, .revents = 0};
  int ready = 0;
  do {
    ready = ::poll(&readable, 1, timeout_ms);
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

}  // namespace daris::engine::workers
