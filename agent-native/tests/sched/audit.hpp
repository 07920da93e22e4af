// Plays a sequence of calls on a scheduler and checks every answer and the whole state after every call.
// The sequence is plain bytes, so that a random generator, a shrinker and a fuzzer can all make one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace daris::sched {

/// One call; every combination of values means something.
struct Step {
  std::uint8_t kind = 0;
  std::uint8_t a = 0;
  std::uint8_t b = 0;
  std::uint8_t c = 0;
  std::uint8_t dt = 0;
};

/// The first disagreement, in words with the number of the step, or nothing. Ends every job and removes every
/// task at the end, so that residue would be seen. `digest`, if given, receives a hash of all answers.
std::optional<std::string> audit(std::span<const Step> steps, std::uint64_t* digest = nullptr);

/// The sequence that bytes mean, five a step.
std::vector<Step> stepsFrom(std::span<const std::uint8_t> bytes);

}  // namespace daris::sched
