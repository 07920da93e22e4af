#include "gpu/bare_loop.hpp"

#include <array>
#include <stdexcept>

#include "runtime/clock.hpp"

namespace daris::bench {

void run_bare(engine::Engine& engine, const Slots& slots, const BareWork& work, std::int64_t until_us) {
  const runtime::SystemClock clock;
  std::vector<std::uint32_t> taken(engine.contexts().size(), 0);
  std::size_t running = 0;
  for (const auto& slot : slots) {
    std::uint32_t& stream = taken[slot->context()];
    if (stream == engine.contexts()[slot->context()].streams) continue;
    engine.launch({.slot = slot.get(), .stage = 0, .stream = stream++, .tag = 0, .form = work.form});
    ++running;
  }
  std::array<engine::Completion, 64> completions;
  while (running > 0) {
    const std::size_t count = engine.poll(completions);
    for (std::size_t i = 0; i < count; ++i) {
      const engine::Completion& ended = completions[i];
      if (ended.error != nullptr) throw std::runtime_error(ended.error);
      const bool was_last = ended.stage + 1 == work.stages;
      if (was_last && clock.steadyUs() >= until_us) {
        --running;
        continue;
      }
      engine.launch({.slot = ended.slot,
                     .stage = was_last ? 0 : ended.stage + 1,
                     .stream = ended.stream,
                     .tag = 0,
                     .form = work.form});
    }
  }
}

void run_alone(engine::Engine& engine, engine::Slot& slot, std::uint32_t stages) {
  std::array<engine::Completion, 1> completion;
  for (std::uint32_t stage = 0; stage < stages; ++stage) {
    engine.launch({.slot = &slot, .stage = stage, .stream = 0, .tag = 0});
    while (engine.poll(completion) == 0) {
    }
    if (completion[0].error != nullptr) throw std::runtime_error(completion[0].error);
  }
}

}  // namespace daris::bench
