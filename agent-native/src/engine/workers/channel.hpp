// Messages between the runtime and a worker for all that may take its time: one JSON object each, with a
// descriptor or without.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <utility>

#include "base/unique_fd.hpp"

namespace daris::engine::workers {

/// The other side is gone.
class ChannelClosed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Message {
  nlohmann::json body;
  UniqueFd fd;  // -1: came without one
};

/// One end of a connected SOCK_SEQPACKET socket. Any thread may send; one at a time receives.
class Channel {
 public:
  explicit Channel(UniqueFd socket) : socket_(std::move(socket)) {}

  /// Two ends, neither inherited by programs that are started. Throws std::system_error.
  [[nodiscard]] static std::pair<UniqueFd, UniqueFd> make_ends();

  /// Blocks while the other side does not read. Throws ChannelClosed, std::system_error.
  void send(const nlohmann::json& body, int fd = -1);

  /// Blocks; nothing once the other side is gone. Throws std::runtime_error for what is no message.
  [[nodiscard]] std::optional<Message> receive();

  /// Waits for a message or the end of the other side; false where neither came in time.
  [[nodiscard]] bool wait(int timeout_ms) const;

 private:
  UniqueFd socket_;
};

}  // namespace daris::engine::workers
