#include "runtime/dispatcher.hpp"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <ctime>
#include <mutex>

namespace daris::runtime {

namespace {

constexpr DurationUs kPublishUs = 50'000;
constexpr DurationUs kHousekeepingUs = 1'000'000;  // a stepped wall clock is noticed within this
constexpr std::size_t kCommands = 64;              // in one round
constexpr int kNice = -15;

/// Wakes exactly when asked to, on its core, ahead of the worker that computes there all the time. It runs
/// but for microseconds, so a real-time class starves nobody; where that is not allowed, a better nice value
/// is tried, and then it runs with what it has. One that spins has no real-time class: it would starve its
/// core, and the kernel would stop it for a twentieth of each second.
void prepareThread(std::uint32_t core, bool spins) {
  ::pthread_setname_np(::pthread_self(), "dispatcher");
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  ::pthread_setaffinity_np(::pthread_self(), sizeof cores, &cores);
  sched_param first{};
  first.sched_priority = ::sched_get_priority_min(SCHED_FIFO);
  // 0 is this thread
  if (!spins && ::sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first) == 0) return;
  ::setpriority(PRIO_PROCESS, 0, kNice);
}

}  // namespace

Dispatcher::Dispatcher(engine::Engine& engine, const Clock& clock, Channel<Event>& events, trace::Ring& ring,
                       DispatcherOptions options)
    : engine_(engine),
      clock_(clock),
      options_(std::move(options)),
      commands_(options.commandCapacity),
      phase_(engine, clock, events, ring),
      thread_([this] { run(); }) {}

Dispatcher::~Dispatcher() {
  drain();
}

void Dispatcher::drain() {
  if (!drainSent_.exchange(true)) post(Drain{});
  if (thread_.joinable()) thread_.join();
}

void Dispatcher::completed() noexcept {
  if (!turn_.try_lock()) return commands_.wake();  // the dispatcher looks again
  takeCompletions();
  releaseAndDispatch();
  const bool drained = phase_.drained();
  turn_.unlock();
  if (drained) commands_.wake();
}

void Dispatcher::run() {
  prepareThread(options_.core, engine_.polled());
  engine_.listen(this);
  for (bool drained = false; !drained;) {
    if (!spinning_) wait();
    const std::scoped_lock turn(turn_);
    takeCompletions();
    takeCommands();
    releaseAndDispatch();
    keepTime();
    // Completions that are found by polling are looked for without a pause, but for nobody's sake not at all.
    spinning_ = engine_.polled() && phase_.serving();
    drained = phase_.drained();
  }
  engine_.listen(nullptr);
  publish();
}

void Dispatcher::wait() {
  const DurationUs leftUs = std::max<DurationUs>(untilUs_ - clock_.steadyUs(), 0);
  const timespec timeout{leftUs / 1'000'000, (leftUs % 1'000'000) * 1000};
  pollfd woken{commands_.fd(), POLLIN, 0};
  (void)::ppoll(&woken, 1, &timeout, nullptr);
  commands_.clear();  // before the turn is taken: whoever finds it taken wakes us once more
}

void Dispatcher::takeCompletions() {
  std::size_t count = 0;
  do {
    count = engine_.poll(completions_);
    for (std::size_t i = 0; i < count; ++i) phase_.completed(completions_[i]);
    news_ = news_ || count > 0;
  } while (count == completions_.size());
}

void Dispatcher::takeCommands() {
  for (std::size_t i = 0; i < kCommands; ++i) {
    auto command = commands_.tryReceive();
    if (!command) return;
    phase_.apply(std::move(*command));
    news_ = true;
  }
  commands_.wake();  // more wait, but completions and releases are not kept waiting by them
}

void Dispatcher::releaseAndDispatch() {
  news_ = phase_.releaseDue() || news_;
  if (!news_) return;
  phase_.dispatch();
  news_ = false;
  changed_ = true;
}

/// What is due at the dispatcher's own instants, and how long it may sleep then.
void Dispatcher::keepTime() {
  const TimeUs now = clock_.steadyUs();
  if (now >= housekeepingUs_) {
    phase_.realign();
    if (options_.alive) options_.alive();
    housekeepingUs_ = now + kHousekeepingUs;
  }
  const bool changing = changed_ || phase_.active();
  if (now >= publishUs_ && changing) {
    publish();
    publishUs_ = now + kPublishUs;
  }
  untilUs_ = std::min(phase_.nextReleaseUs(), housekeepingUs_);
  if (changing) untilUs_ = std::min(untilUs_, publishUs_);
}

void Dispatcher::publish() {
  phase_.markOverdue();
  phase_.observe(figures_.back());
  figures_.publish();
  changed_ = false;
}

}  // namespace daris::runtime
