#include "rpc/watch_hub.hpp"

#include <pthread.h>

#include <algorithm>
#include <chrono>

#include "rpc/observed_message.hpp"

namespace daris::rpc {

namespace {

constexpr auto kGather =
    std::chrono::milliseconds(10);  // transitions that come together are written together
constexpr DurationUs kIdleUs = 60'000'000;

}  // namespace

/// One call of Watch. Its reactions come on gRPC's threads; it deletes itself at the end.
class WatchHub::Stream final : public grpc::ServerWriteReactor<State> {
 public:
  Stream(WatchHub& hub, DurationUs intervalUs) : hub_(hub), intervalUs_(intervalUs) {}

  void OnWriteDone(bool ok) override {
    const std::scoped_lock lock(hub_.mutex_);
    writing_ = false;
    hub_.dueMoved_ = true;
    if (!ok) end(grpc::Status(grpc::StatusCode::CANCELLED, "the watcher went away"));
    hub_.wake_.notify_one();
  }

  void OnCancel() override {
    const std::scoped_lock lock(hub_.mutex_);
    end(grpc::Status(grpc::StatusCode::CANCELLED, "the watcher went away"));
  }

  void OnDone() override {
    {
      const std::scoped_lock lock(hub_.mutex_);
      hub_.streams_.erase(this);
      hub_.wake_.notify_one();
    }
    delete this;
  }

  // All below with the hub's lock held.

  void end(const grpc::Status& status) {
    if (ended_) return;
    ended_ = true;
    Finish(status);
  }

  [[nodiscard]] bool isDue(TimeUs now) const { return !writing_ && !ended_ && now >= dueUs_; }
  [[nodiscard]] TimeUs dueUs() const { return writing_ || ended_ ? INT64_MAX : dueUs_; }
  void makeDue() { dueUs_ = 0; }

  void write(const State& state, TimeUs now) {
    state_ = state;
    writing_ = true;
    dueUs_ = now + intervalUs_;
    StartWrite(&state_);
  }

 private:
  WatchHub& hub_;
  DurationUs intervalUs_;
  State state_;  // gRPC's while writing
  TimeUs dueUs_ = 0;
  bool writing_ = false;
  bool ended_ = false;
};

WatchHub::WatchHub(runtime::Runtime& runtime)
    : runtime_(runtime), thread_([this](std::stop_token stop) { run(stop); }) {
  runtime_.onTransition([this] { changed(); });
}

WatchHub::~WatchHub() {
  stop();
  runtime_.onTransition(nullptr);
}

grpc::ServerWriteReactor<WatchHub::State>* WatchHub::watch(DurationUs intervalUs) {
  auto* stream = new Stream(*this, intervalUs);  // deletes itself in OnDone, as gRPC asks of reactors
  const std::scoped_lock lock(mutex_);
  streams_.insert(stream);
  dueMoved_ = true;
  if (stopped_) stream->end(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the runtime is stopping"));
  wake_.notify_one();
  return stream;
}

void WatchHub::changed() {
  const std::scoped_lock lock(mutex_);
  changed_ = true;
  wake_.notify_one();
}

void WatchHub::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
    for (Stream* stream : streams_) {
      stream->end(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the runtime is stopping"));
    }
  }
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return streams_.empty(); });
}

void WatchHub::run(std::stop_token stop) {
  ::pthread_setname_np(::pthread_self(), "watch");
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    dueMoved_ = false;
    TimeUs untilUs = runtime_.clock().steadyUs() + kIdleUs;
    for (const Stream* stream : streams_) untilUs = std::min(untilUs, stream->dueUs());
    const auto left =
        std::chrono::microseconds(std::max<DurationUs>(untilUs - runtime_.clock().steadyUs(), 0));
    wake_.wait_for(lock, stop, left, [this] { return changed_ || dueMoved_; });
    if (changed_) wake_.wait_for(lock, stop, kGather, [] { return false; });
    writeDue(lock);
  }
}

/// The runtime is looked at without the lock: a transition may be told with the runtime's own lock held.
void WatchHub::writeDue(std::unique_lock<std::mutex>& lock) {
  if (std::exchange(changed_, false)) {
    for (Stream* stream : streams_) stream->makeDue();
  }
  const TimeUs now = runtime_.clock().steadyUs();
  if (std::ranges::none_of(streams_, [&](const Stream* stream) { return stream->isDue(now); })) return;
  lock.unlock();
  const State state = messageOf(runtime_.observe(), runtime_.instanceId());
  lock.lock();
  for (Stream* stream : streams_) {
    if (stream->isDue(now)) stream->write(state, now);
  }
}

}  // namespace daris::rpc
