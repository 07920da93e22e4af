#include "engine/openvino/worker.hpp"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <cassert>
#include <chrono>
#include <string>
#include <system_error>

#include "engine/openvino/slot.hpp"

namespace daris::engine::openvino {
namespace {

std::int64_t now_us() {
  using std::chrono::steady_clock;
  return std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now().time_since_epoch())
      .count();
}

// The thread inherits the mask of its maker: signals are left to the threads that wait for them.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former_);
  }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &former_, nullptr); }

 private:
  sigset_t former_{};
};

void place_thread(pthread_t thread, const WorkerPlace& place) {
  const std::string name = "stream-" + std::to_string(place.context) + "." + std::to_string(place.stream);
  pthread_setname_np(thread, name.substr(0, 15).c_str());
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const std::uint32_t core : place.cores) CPU_SET(core, &set);
  // Not fatal: a core that was taken offline since costs speed, not correctness.
  (void)pthread_setaffinity_np(thread, sizeof set, &set);
}

}  // namespace

Worker::Worker(const WorkerPlace& place, const std::atomic<CompletionListener*>& listener)
    : context_(place.context), stream_(place.stream), listener_(listener) {
  const BlockedSignals blocked;
  thread_ = std::thread([this] { run(); });
  place_thread(thread_.native_handle(), place);
}

Worker::~Worker() {
  stopping_ = true;
  wake_up_.wake();
  thread_.join();
}

bool Worker::launch(const Launch& launch) noexcept {
  if (!launches_.push(launch)) return false;
  wake_up_.wake();
  return true;
}

void Worker::run() noexcept {
  while (true) {
    wake_up_.wait_until([this] { return !launches_.empty() || stopping_.load(); });
    const std::optional<Launch> launch = launches_.pop();
    if (!launch) return;
    const bool has_room = completions_.push(execute(*launch));
    assert(has_room);
    (void)has_room;
    tell();
  }
}

void Worker::tell() noexcept {
  telling_ = true;  // before the look at the listener: whoever takes it away waits for this
  if (CompletionListener* listener = listener_.load()) listener->completed();
  telling_ = false;
}

Completion Worker::execute(const Launch& launch) const noexcept {
  Completion completion{
      .slot = launch.slot, .tag = launch.tag, .context = context_, .stage = launch.stage, .stream = stream_};
  completion.started_us = now_us();
  completion.error = static_cast<OpenvinoSlot*>(launch.slot)->infer(launch.stage, stream_, launch.form);
  completion.finished_us = now_us();
  return completion;
}

}  // namespace daris::engine::openvino
