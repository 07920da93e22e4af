#include "engine/sim/timer.hpp"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cassert>
#include <chrono>

namespace daris::engine::sim {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::int64_t kAwake = INT64_MIN;  // no stage ends before it, so that nobody wakes who is awake
constexpr std::int64_t kNever = INT64_MAX;

constexpr auto kEndsLater = [](const Running& a, const Running& b) { return a.end_ns > b.end_ns; };

void prepare_thread() {
  ::pthread_setname_np(::pthread_self(), "sim-timer");
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  // Signals are left to the threads that wait for them.
  sigset_t all;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

}  // namespace

std::int64_t now_ns() {
  using std::chrono::steady_clock;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

Timer::Timer(std::size_t streams, const std::atomic<CompletionListener*>& listener,
             const std::vector<std::uint32_t>& cores)
    : listener_(listener), sleeps_until_ns_(kAwake), launches_(streams), completions_(streams) {
  heap_.reserve(streams);
  thread_ = std::thread([this] { run(); });
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const std::uint32_t core : cores) CPU_SET(core, &set);
  // Not fatal: a core that was taken offline since costs speed, not correctness.
  (void)::pthread_setaffinity_np(thread_.native_handle(), sizeof set, &set);
}

Timer::~Timer() {
  stopping_ = true;
  wake_up_.signal();
  thread_.join();
}

void Timer::launch(const Running& running) noexcept {
  const bool has_room = launches_.push(running);
  assert(has_room);
  (void)has_room;
  // A write, though it changes nothing: either it sees that the thread sleeps, or the thread's own write sees
  // it, and with it the launch.
  if (running.end_ns < sleeps_until_ns_.fetch_add(0, std::memory_order_acq_rel)) wake_up_.signal();
}

void Timer::run() noexcept {
  prepare_thread();
  while (!stopping_.load()) {
    take_launches();
    if (end_due()) {
      tell();
    } else {
      sleep();
    }
  }
}

void Timer::take_launches() noexcept {
  while (const auto running = launches_.pop()) {
    heap_.push_back(*running);
    std::ranges::push_heap(heap_, kEndsLater);
  }
}

bool Timer::end_due() noexcept {
  const std::int64_t now = now_ns();
  bool ended = false;
  while (!heap_.empty() && heap_.front().end_ns <= now) {
    std::ranges::pop_heap(heap_, kEndsLater);
    const bool has_room = completions_.push(heap_.back().completion);
    assert(has_room);
    (void)has_room;
    heap_.pop_back();
    ended = true;
  }
  return ended;
}

void Timer::tell() noexcept {
  telling_ = true;  // before the look at the listener: whoever takes it away waits for this
  if (CompletionListener* listener = listener_.load()) listener->completed();
  telling_ = false;
}

/// Until the next end, unless there is a launch that was not seen yet.
void Timer::sleep() noexcept {
  const std::int64_t until_ns = heap_.empty() ? kNever : heap_.front().end_ns;
  sleeps_until_ns_.exchange(until_ns, std::memory_order_acq_rel);
  if (launches_.empty() && !stopping_.load()) {
    const std::int64_t left_ns = std::max<std::int64_t>(until_ns - now_ns(), 0);
    const timespec timeout{left_ns / kNsPerSecond, left_ns % kNsPerSecond};
    pollfd woken{.fd = wake_up_.get(), .events = POLLIN, .revents = 0};
    (void)::ppoll(&woken, 1, &timeout, nullptr);
  }
  sleeps_until_ns_.store(kAwake, std::memory_order_relaxed);
  wake_up_.clear();
}

}  // namespace daris::engine::sim
