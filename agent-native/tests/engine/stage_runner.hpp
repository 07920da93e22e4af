// A dispatcher of the simplest kind: it runs slots through all their stages, one slot to
// a stream, and counts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/engine.hpp"

namespace daris::test {

/// A core that this process may use.
[[nodiscard]] std::uint32_t usable_core();

/// Polls once, after waiting at most 20 s for completion_fd to become readable. Throws
/// std::runtime_error after that.
[[nodiscard]] std::vector<engine::Completion> wait_completions(engine::Engine& engine);

/// A slot and the stream on which it runs, as often as `rounds`.
struct Ride {
  engine::Slot* slot;
  std::uint32_t stream;
  std::uint32_t rounds = 1;
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
