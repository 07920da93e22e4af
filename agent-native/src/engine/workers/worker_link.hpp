// The runtime's side of one worker.
#pragma once

#include <cstdint>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/workers/channel.hpp"
#include "engine/workers/mailbox.hpp"

namespace daris::engine::workers {

/// Calls to a worker. One at a time, the mailbox apart.
class WorkerLink {
 public:
  /// `socket` is this side's end.
  WorkerLink(UniqueFd socket, SharedMemory mailbox)
      : channel_(std::move(socket)), mailbox_(std::move(mailbox)) {}

  /// Sends a call; answer() must follow. Throws EngineError WorkerLost.
  void ask(nlohmann::json call, int fd = -1);
  /// Blocks until the worker has answered; passes a stop on to it. Throws what was thrown there, and
  /// EngineError WorkerLost.
  [[nodiscard]] nlohmann::json answer(const std::stop_token& stop = {});
  /// The worker's first message, which nobody asks for. Throws as answer(), and where none comes in time.
  [[nodiscard]] nlohmann::json first_answer(int timeout_ms);
  /// Asks it to end in order. Never throws.
  void end() noexcept;

  [[nodiscard]] Mailbox& mailbox() const { return mailbox_in(mailbox_); }
  /// What it said before it ended; mostly nothing.
  [[nodiscard]] std::string last_words() const;

 private:
  Channel channel_;
  SharedMemory mailbox_;
  std::uint64_t number_ = 0;  // of the last call
};

/// The workers of a partitioning, and the turn to call them.
struct WorkerTeam {
  std::mutex calls;  // guards all calls of all links; held for as long as they take, never by who dispatches
  std::vector<WorkerLink> links;  // by context
};

}  // namespace daris::engine::workers
