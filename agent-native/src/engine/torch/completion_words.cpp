#include "engine/torch/completion_words.hpp"

#include <atomic>
#include <cassert>

namespace daris::engine::torch {

std::uint32_t LaunchBook::begin(std::size_t stream, const Launch& launch, std::int64_t now_us) noexcept {
  Running& running = streams_[stream];
  assert(!running.busy);
  running.launch = launch;
  running.started_us = now_us;
  running.error = nullptr;
  running.busy = true;
  ++running_;
  return ++running.number;
}

void LaunchBook::fail(std::size_t stream, const char* error) noexcept {
  streams_[stream].error = error;
}

bool LaunchBook::ended(std::size_t stream) const noexcept {
  const Running& running = streams_[stream];
  if (!running.busy) return false;
  if (running.error != nullptr) return true;
  // Acquire: the outputs that the GPU wrote before the word are seen after it.
  return std::atomic_ref(words_[stream].value).load(std::memory_order_acquire) == running.number;
}

std::size_t LaunchBook::take(std::span<Completion> completions, std::int64_t now_us) noexcept {
  std::size_t count = 0;
  if (running_ == 0) return count;
  for (std::size_t stream = 0; stream < streams_.size() && count < completions.size(); ++stream) {
    if (!ended(stream)) continue;
    Running& running = streams_[stream];
    const Launch& launch = running.launch;
    completions[count++] = {.slot = launch.slot,
                            .tag = launch.tag,
                            .context = launch.slot->context(),
                            .stage = launch.stage,
                            .stream = launch.stream,
                            .started_us = running.started_us,
                            .finished_us = now_us,
                            .error = running.error};
    // A launch that failed wrote no word: the next one's number is still ahead of what the word shows.
    running.busy = false;
    --running_;
  }
  return count;
}

std::optional<std::size_t> LaunchBook::older_than(std::int64_t since_us) const noexcept {
  for (std::size_t stream = 0; stream < streams_.size(); ++stream) {
    const Running& running = streams_[stream];
    if (running.busy && running.error == nullptr && running.started_us < since_us) return stream;
  }
  return std::nullopt;
}

}  // namespace daris::engine::torch
