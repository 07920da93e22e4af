#include "engine/workers/serve.hpp"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "engine/workers/channel.hpp"
#include "engine/workers/fault.hpp"
#include "engine/workers/host.hpp"
#include "engine/workers/pump.hpp"

namespace daris::engine::workers {
namespace {

using nlohmann::json;

constexpr int kEndedWell = 0;
constexpr int kFailed = 1;

/// The thread that makes the engine and works off calls, so that the socket is read meanwhile.
class Caller {
 public:
  Caller(Channel& channel, const SharedMemory& mailbox, std::uint32_t streams, const MakeEngine& make_engine)
      : channel_(channel),
        streams_(streams),
        thread_([this, &mailbox, &make_engine] { run(mailbox_in(mailbox), make_engine); }) {}

  void post(Message message) {
    const std::scoped_lock lock(mutex_);
    calls_.push_back(std::move(message));
    changed_.notify_one();
  }

  /// Of the call of that number, if it still runs or waits.
  void cancel(std::uint64_t number) {
    const std::scoped_lock lock(mutex_);
    if (!calls_.empty() && calls_.front().body.at("number") == number) stop_.request_stop();
  }

  /// After the calls that wait; returns when the engine is gone. Whether there ever was one.
  [[nodiscard]] bool end() {
    {
      const std::scoped_lock lock(mutex_);
      ending_ = true;
      changed_.notify_one();
    }
    thread_.join();
    return made_;
  }

 private:
  void run(Mailbox& mailbox, const MakeEngine& make_engine) {
    std::unique_ptr<Engine> engine;
    try {
      engine = make_engine();
      // What this process sees of the device is the one context. Half of its streams are there to measure.
      engine->partition({.contexts = 1, .streams_per_context = 2 * streams_, .mode = PartitionMode::Streams});
      made_ = true;
    } catch (const std::exception& error) {
      return reply({{"number", 0}, {"fault", fault_of(error)}});
    }
    const Pump pump(*engine, mailbox, streams_);
    Host host(*engine);
    reply({{"number", 0}, {"result", {{"units", engine->contexts().at(0).units}}}});
    while (Message* const call = next()) {
      json answer = answer_to(*call, host);
      done();
      reply(answer);
    }
  }

  /// The oldest call, which stays in the queue while it runs; null: none will come.
  [[nodiscard]] Message* next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ending_ || !calls_.empty(); });
    return calls_.empty() ? nullptr : &calls_.front();
  }

  void done() {
    const std::scoped_lock lock(mutex_);
    calls_.pop_front();
    stop_ = std::stop_source();
  }

  [[nodiscard]] json answer_to(Message& call, Host& host) {
    const json& number = call.body.at("number");
    std::stop_token stop;
    {
      const std::scoped_lock lock(mutex_);
      stop = stop_.get_token();
    }
    try {
      return {{"number", number}, {"result", host.answer(call, stop)}};
    } catch (const std::exception& error) {
      return {{"number", number}, {"fault", fault_of(error)}};
    }
  }

  void reply(const json& answer) {
    try {
      channel_.send(answer);
    } catch (const std::exception&) {
      // Nobody is there: the thread that reads finds that too, and ends the process.
    }
  }

  Channel& channel_;
  std::uint32_t streams_;
  std::mutex mutex_;  // guards what follows, up to the blank line
  std::condition_variable changed_;
  std::deque<Message> calls_;  // a deque: what is added leaves the oldest where it is
  std::stop_source stop_;      // of the oldest
  bool ending_ = false;

  bool made_ = false;   // the thread's own until it ends
  std::thread thread_;  // last
};

}  // namespace

int serve(UniqueFd socket, const SharedMemory& mailbox, std::uint32_t streams,
          const MakeEngine& make_engine) {
  Channel channel(std::move(socket));
  Caller caller(channel, mailbox, streams, make_engine);
  for (;;) {
    std::optional<Message> message;
    try {
      message = channel.receive();
      if (!message) ::_exit(kFailed);  // the runtime is gone: nothing here is worth an orderly end
      if (message->body.contains("cancel")) {
        caller.cancel(message->body.at("cancel"));
      } else if (message->body.at("call") == "end") {
        return caller.end() ? kEndedWell : kFailed;
      } else {
        caller.post(std::move(*message));
      }
    } catch (const std::exception& error) {
      leave_last_words(mailbox, error.what());
      ::_exit(kFailed);
    }
  }
}

void leave_last_words(const SharedMemory& mailbox, const char* report) noexcept {
  auto& words = mailbox_in(mailbox).last_words;
  const std::size_t length = std::min(std::strlen(report), words.size() - 1);
  std::memcpy(words.data(), report, length);
}

}  // namespace daris::engine::workers
