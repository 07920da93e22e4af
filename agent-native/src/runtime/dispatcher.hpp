// Who runs the online phase, and when: the thread that ended a stage goes on with the next at once; the
// dispatcher thread sleeps until a command comes, a release is due, or a completion found the phase taken.
// With an engine whose completions are found by polling alone it does all of that itself, and spins while a
// task is there.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <thread>

#include "base/triple_buffer.hpp"
#include "engine/engine.hpp"
#include "runtime/channel.hpp"
#include "runtime/clock.hpp"
#include "runtime/commands.hpp"
#include "runtime/online_phase.hpp"
#include "runtime/turn.hpp"
#include "trace/ring.hpp"

namespace daris::runtime {

struct DispatcherOptions {
  /// Core that the thread is bound to: one of those given to inference, which nobody else should use. Where
  /// it spins, one of its own.
  std::uint32_t core = 0;
  std::size_t commandCapacity = 4096;
  /// Called once a second by its thread, which does nothing else meanwhile. May be empty.
  std::function<void()> alive = {};
};

/// Starts its thread when constructed. Ends after Drain; the destructor drains and waits for active jobs.
class Dispatcher : private engine::CompletionListener {
 public:
  Dispatcher(engine::Engine& engine, const Clock& clock, Channel<Event>& events, trace::Ring& ring,
             DispatcherOptions options);
  ~Dispatcher();

  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  /// Any thread; never blocks. False when the queue is full.
  [[nodiscard]] bool trySubmit(RequestPtr request) { return commands_.trySend(std::move(request)); }

  /// Any thread; never blocks. False when the queue is full.
  [[nodiscard]] bool tryWithdraw(Withdraw command) { return commands_.trySend(std::move(command)); }

  /// Any thread but the dispatcher's; waits while the queue is full.
  void post(Command&& command) { commands_.send(std::move(command)); }

  /// No releases from now on; returns when the last active job has ended. Idempotent.
  void drain();

  /// The newest published figures: at most kPublishUs behind while anything changes. One reader.
  [[nodiscard]] TripleBuffer<Figures>& figures() { return figures_; }

 private:
  void completed() noexcept override;  // an engine's thread

  void run();
  void wait();
  void takeCompletions();
  void takeCommands();
  void releaseAndDispatch();
  void keepTime();
  void publish();

  engine::Engine& engine_;
  const Clock& clock_;
  DispatcherOptions options_;
  Channel<Command> commands_;

  Turn turn_;  // guards what follows, up to the blank line
  OnlinePhase phase_;
  std::array<engine::Completion, 64> completions_{};
  bool news_ = false;     // since the last dispatch
  bool changed_ = false;  // since the last publication

  // The dispatcher thread's own.
  TripleBuffer<Figures> figures_;
  bool spinning_ = false;
  TimeUs untilUs_ = 0;  // it sleeps so long
  TimeUs housekeepingUs_ = 0;
  TimeUs publishUs_ = 0;

  std::atomic<bool> drainSent_{false};
  std::jthread thread_;  // last: starts when all else is there
};

}  // namespace daris::runtime
