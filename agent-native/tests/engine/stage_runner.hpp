// A dispatcher of the simplest kind: it runs slots through all their stages, one slot to
// a stream, and counts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/event_fd.hpp"
#include "engine/engine.hpp"

namespace daris::test {

/// A core that this process may use.
[[nodiscard]] std::uint32_t usable_core();

/// Listens to an engine, for as long as it lives, on behalf of one thread that waits.
class Completions : private engine::CompletionListener {
 public:
  explicit Completions(engine::Engine& engine) : engine_(engine) { engine_.listen(this); }
  ~Completions() { engine_.listen(nullptr); }
  Completions(const Completions&) = delete;
  Completions& operator=(const Completions&) = delete;

  /// Those that are there, at least one. Throws std::runtime_error where none comes within 20 s.
  [[nodiscard]] std::vector<engine::Completion> wait();

 private:
  void completed() noexcept override { event_.signal(); }

  engine::Engine& engine_;
  EventFd event_;
};

/// A slot, the stream on which it runs, as often as `rounds`, and at which of its batch sizes.
struct Ride {
  engine::Slot* slot;
  std::uint32_t stream;
  std::uint32_t rounds = 1;
  std::uint32_t form = 0;
};

/// What became of a ride: rounds in which all stages ran, and the error that ended it early, if any.
struct Outcome {
  std::uint32_t rounds = 0;
  std::string error;
};

/// Runs all rides at the same time, each stage after the other, on the calling thread as dispatcher.
[[nodiscard]] std::vector<Outcome> run_rides(engine::Engine& engine, std::size_t stages,
                                             const std::vector<Ride>& rides);

}  // namespace daris::test
