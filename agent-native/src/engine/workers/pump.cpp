#include "engine/workers/pump.hpp"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <csignal>
#include <cstring>

namespace daris::engine::workers {
namespace {

// As long as it takes to wake a thread: who sleeps sooner loses more than it spares.
constexpr std::int64_t kLingerNs = 50'000;

std::int64_t now_ns() {
  using std::chrono::steady_clock;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

void copy_words(const char* words, std::span<char> to) noexcept {
  const std::size_t length = std::min(std::strlen(words), to.size() - 1);
  std::memcpy(to.data(), words, length);
  to[length] = '\0';
}

}  // namespace

Pump::Pump(Engine& engine, Mailbox& mailbox, std::uint32_t streams)
    : engine_(engine), mailbox_(mailbox), streams_(streams) {
  if (!engine_.polled()) engine_.listen(this);
  thread_ = std::thread([this] { run(); });
}

Pump::~Pump() {
  stopping_ = true;
  mailbox_.doorbell.ring();
  thread_.join();
  if (!engine_.polled()) engine_.listen(nullptr);
}

void Pump::completed() noexcept {
  ended_.store(true, std::memory_order_release);
  mailbox_.doorbell.ring();
}

void Pump::run() noexcept {
  ::pthread_setname_np(::pthread_self(), "pump");
  std::int64_t busy_ns = now_ns();
  while (!stopping_.load(std::memory_order_relaxed)) {
    if (step()) {
      busy_ns = now_ns();
    } else if (in_flight_ == 0 || !engine_.polled()) {
      if (now_ns() - busy_ns > kLingerNs) rest();
    }
  }
}

bool Pump::step() noexcept {
  const bool served = launch_ordered(mailbox_.serving, 0);
  const bool measured = launch_ordered(mailbox_.measuring, streams_);
  return tell_ended() || served || measured;
}

bool Pump::launch_ordered(Rings& rings, std::uint32_t first_stream) noexcept {
  bool any = false;
  while (const auto order = rings.launches.pop()) {
    auto* const hosted = reinterpret_cast<HostedSlot*>(order->slot);
    ++in_flight_;
    engine_.launch({.slot = hosted->slot.get(),
                    .stage = order->stage,
                    .stream = first_stream + order->stream,
                    .tag = order->slot,
                    .urgency = order->urgency,
                    .form = order->form});
    any = true;
  }
  return any;
}

bool Pump::tell_ended() noexcept {
  if (in_flight_ == 0) return false;
  ended_.store(false, std::memory_order_relaxed);  // before the look: whoever ends a stage later says it anew
  std::array<Completion, 16> completions;
  const std::size_t count = engine_.poll(completions);
  for (std::size_t i = 0; i < count; ++i) {
    const Completion& completion = completions[i];
    if (completion.error != nullptr)
      copy_words(completion.error, reinterpret_cast<HostedSlot*>(completion.tag)->layout.error);
    const bool serves = completion.stream < streams_;
    Rings& rings = serves ? mailbox_.serving : mailbox_.measuring;
    const bool has_room =
        rings.ends.push({.finished_us = completion.finished_us,
                         .stream = serves ? completion.stream : completion.stream - streams_,
                         .failed = completion.error != nullptr ? 1U : 0U});
    assert(has_room);
    (void)has_room;
  }
  in_flight_ -= static_cast<std::uint32_t>(count);
  return count > 0;
}

void Pump::rest() noexcept {
  mailbox_.doorbell.sleep([this] {
    return !mailbox_.serving.launches.empty() || !mailbox_.measuring.launches.empty() ||
           ended_.load(std::memory_order_acquire) || stopping_.load(std::memory_order_relaxed);
  });
}

}  // namespace daris::engine::workers
