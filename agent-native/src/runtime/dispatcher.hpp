// The dispatcher thread: sleeps until a stage completes, a command comes or a release is due, then runs the
// online phase. It owns scheduler, streams and slots; all others reach it by lock-free queues.
#pragma once

#include <atomic>
#include <thread>

#include "base/triple_buffer.hpp"
#include "engine/engine.hpp"
#include "runtime/channel.hpp"
#include "runtime/clock.hpp"
#include "runtime/commands.hpp"
#include "trace/ring.hpp"

namespace daris::runtime {

struct DispatcherOptions {
  /// Core that the thread is bound to, shared with a worker: an eventfd round trip across cores takes 7 times
  /// longer.
  std::uint32_t core = 0;
  std::size_t commandCapacity = 4096;
};

/// Starts its thread when constructed. Ends after Drain; the destructor drains and waits for active jobs.
class Dispatcher {
 public:
  Dispatcher(engine::Engine& engine, const Clock& clock, Channel<Event>& events, trace::Ring& ring,
             DispatcherOptions options);
  ~Dispatcher();

  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  /// Any thread; never blocks. False when the queue is full.
  [[nodiscard]] bool trySubmit(RequestPtr request) { return commands_.trySend(std::move(request)); }

  /// Any thread but the dispatcher's; waits while the queue is full.
  void post(Command&& command) { commands_.send(std::move(command)); }

  /// No releases from now on; returns when the last active job has ended. Idempotent.
  void drain();

  /// The newest published figures: at most kPublishUs behind while anything changes. One reader.
  [[nodiscard]] TripleBuffer<Figures>& figures() { return figures_; }

 private:
  void run();

  engine::Engine& engine_;
  const Clock& clock_;
  Channel<Event>& events_;
  trace::Ring& ring_;
  DispatcherOptions options_;
  Channel<Command> commands_;
  TripleBuffer<Figures> figures_;
  std::atomic<bool> drainSent_{false};
  std::jthread thread_;
};

}  // namespace daris::runtime
