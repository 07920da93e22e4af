#include "engine/workers/worker_link.hpp"

#include <algorithm>

#include "engine/engine.hpp"
#include "engine/workers/fault.hpp"

namespace daris::engine::workers {
namespace {

[[noreturn]] void refuse_lost() {
  throw EngineError("WorkerLost", "the process of a context ended; all of them start anew");
}

}  // namespace

void WorkerLink::ask(nlohmann::json call, int fd) {
  call["number"] = ++number_;
  try {
    channel_.send(call, fd);
  } catch (const ChannelClosed&) {
    refuse_lost();
  }
}

nlohmann::json WorkerLink::answer(const std::stop_token& stop) {
  const std::stop_callback cancel(stop, [this]() noexcept {
    try {
      channel_.send({{"cancel", number_}});
    } catch (const std::exception&) {
      // Gone: receive() says so.
    }
  });
  auto message = channel_.receive();
  if (!message) refuse_lost();
  nlohmann::json& body = message->body;
  if (body.at("number") != number_) throw std::runtime_error("a worker answered another call");
  if (body.contains("fault")) throw_fault(body.at("fault"));
  return std::move(body.at("result"));
}

nlohmann::json WorkerLink::first_answer(int timeout_ms) {
  if (!channel_.wait(timeout_ms)) {
    throw std::runtime_error("the process of a context was not ready within " +
                             std::to_string(timeout_ms / 1000) + " s");
  }
  return answer();
}

void WorkerLink::end() noexcept {
  try {
    ask({{"call", "end"}});
  } catch (const std::exception&) {
    // It has ended, or is killed after a while.
  }
}

std::string WorkerLink::last_words() const {
  const auto& words = mailbox().last_words;
  return {words.begin(), std::ranges::find(words, '\0')};
}

}  // namespace daris::engine::workers
