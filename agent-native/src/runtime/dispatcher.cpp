#include "runtime/dispatcher.hpp"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "runtime/online_phase.hpp"

namespace daris::runtime {

namespace {

constexpr DurationUs kPublishUs = 50'000;
constexpr DurationUs kHousekeepingUs = 1'000'000;  // a stepped wall clock is noticed within this
constexpr std::size_t kCompletions = 64;
constexpr std::size_t kCommands = 64;  // in one round
constexpr int kNice = -15;

/// Wakes exactly when asked to, on its core, ahead of the worker that computes there all the time. It sleeps
/// but for microseconds, so a real-time class starves nobody; where that is not allowed, a better nice value
/// is tried, and then it runs with what it has.
void prepareThread(std::uint32_t core) {
  ::pthread_setname_np(::pthread_self(), "dispatcher");
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  ::pthread_setaffinity_np(::pthread_self(), sizeof cores, &cores);
  sched_param first{};
  first.sched_priority = ::sched_get_priority_min(SCHED_FIFO);
  if (::sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first) == 0) return;  // 0 is this thread
  ::setpriority(PRIO_PROCESS, 0, kNice);
}

/// One round after another: wait, completions, commands, releases, dispatch, publish.
class Loop {
 public:
  Loop(engine::Engine& engine, const Clock& clock, Channel<Event>& events, Channel<Command>& commands,
       TripleBuffer<Figures>& figures, trace::Ring& ring)
      : engine_(engine),
        clock_(clock),
        commands_(commands),
        figures_(figures),
        phase_(engine, clock, events, ring) {}

  void run() {
    while (!phase_.drained()) {
      const bool woken = wait();
      if ((fds_[0].revents & POLLIN) != 0) takeCompletions();
      if ((fds_[1].revents & POLLIN) != 0) takeCommands();
      const bool released = phase_.releaseDue();
      phase_.dispatch();
      changed_ = changed_ || woken || released || phase_.active();
      const TimeUs now = clock_.steadyUs();
      if (now >= housekeepingUs_) keepHouse(now);
      if (now >= publishUs_) publish(now);
    }
    publish(clock_.steadyUs());
  }

 private:
  /// Whether a descriptor became readable, rather than an instant being reached.
  bool wait() {
    TimeUs untilUs = std::min(phase_.nextReleaseUs(), housekeepingUs_);
    if (changed_) untilUs = std::min(untilUs, publishUs_);
    const DurationUs leftUs = std::max<DurationUs>(untilUs - clock_.steadyUs(), 0);
    const timespec timeout{leftUs / 1'000'000, (leftUs % 1'000'000) * 1000};
    fds_ = {{{engine_.completion_fd(), POLLIN, 0}, {commands_.fd(), POLLIN, 0}}};
    const bool woken = ::ppoll(fds_.data(), fds_.size(), &timeout, nullptr) > 0;
    if (!woken) fds_[0].revents = fds_[1].revents = 0;
    return woken;
  }

  void takeCompletions() {
    std::size_t count = 0;
    do {
      count = engine_.poll(completions_);
      for (std::size_t i = 0; i < count; ++i) phase_.completed(completions_[i]);
    } while (count == completions_.size());
  }

  void takeCommands() {
    commands_.clear();
    for (std::size_t i = 0; i < kCommands; ++i) {
      auto command = commands_.tryReceive();
      if (!command) return;
      phase_.apply(std::move(*command));
    }
    commands_.wake();  // more wait, but completions and releases are not kept waiting by them
  }

  void keepHouse(TimeUs now) {
    phase_.realign();
    housekeepingUs_ = now + kHousekeepingUs;
  }

  void publish(TimeUs now) {
    publishUs_ = now + kPublishUs;
    if (!changed_) return;
    phase_.markOverdue();
    phase_.observe(figures_.back());
    figures_.publish();
    changed_ = false;
  }

  engine::Engine& engine_;
  const Clock& clock_;
  Channel<Command>& commands_;
  TripleBuffer<Figures>& figures_;
  OnlinePhase phase_;
  std::array<pollfd, 2> fds_{};
  std::array<engine::Completion, kCompletions> completions_{};
  TimeUs housekeepingUs_ = 0;
  TimeUs publishUs_ = 0;
  bool changed_ = false;  // since the last publication
};

}  // namespace

Dispatcher::Dispatcher(engine::Engine& engine, const Clock& clock, Channel<Event>& events, trace::Ring& ring,
                       DispatcherOptions options)
    : engine_(engine),
      clock_(clock),
      events_(events),
      ring_(ring),
      options_(options),
      commands_(options.commandCapacity),
      thread_([this] { run(); }) {}

Dispatcher::~Dispatcher() {
  drain();
}

void Dispatcher::drain() {
  if (!drainSent_.exchange(true)) post(Drain{});
  if (thread_.joinable()) thread_.join();
}

void Dispatcher::run() {
  prepareThread(options_.core);
  Loop(engine_, clock_, events_, commands_, figures_, ring_).run();
}

}  // namespace daris::runtime
