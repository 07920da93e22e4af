#include "engine/stage_runner.hpp"

#include <poll.h>
#include <sched.h>

#include <array>
#include <chrono>
#include <stdexcept>

namespace daris::test {

std::uint32_t usable_core() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  (void)::sched_getaffinity(0, sizeof allowed, &allowed);
  std::uint32_t core = 0;
  while (core < CPU_SETSIZE && !CPU_ISSET(core, &allowed)) ++core;
  return core;
}

std::vector<engine::Completion> Completions::wait() {
  constexpr int kPatienceMs = 20'000;
  std::array<engine::Completion, 8> completions;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
  for (;;) {
    const std::size_t count = engine_.poll(completions);
    if (count > 0) return {completions.begin(), completions.begin() + static_cast<std::ptrdiff_t>(count)};
    if (engine_.polled()) {
      if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("no completion within 20 s");
      continue;
    }
    pollfd waiting{.fd = event_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, kPatienceMs) != 1) throw std::runtime_error("no completion within 20 s");
    event_.clear();
  }
}

std::vector<Outcome> run_rides(engine::Engine& engine, std::size_t stages, const std::vector<Ride>& rides) {
  std::vector<Outcome> outcomes(rides.size());
  Completions completions(engine);
  const auto launch = [&](std::size_t ride, std::uint32_t stage) {
    engine.launch({.slot = rides[ride].slot,
                   .stage = stage,
                   .stream = rides[ride].stream,
                   .tag = ride,
                   .form = rides[ride].form});
  };
  for (std::size_t i = 0; i < rides.size(); ++i) launch(i, 0);
  std::size_t running = rides.size();
  while (running > 0) {
    for (const engine::Completion& completion : completions.wait()) {
      Outcome& outcome = outcomes[completion.tag];
      const std::uint32_t next = (completion.stage + 1) % static_cast<std::uint32_t>(stages);
      if (completion.error != nullptr) outcome.error = completion.error;
      if (next == 0 && completion.error == nullptr) ++outcome.rounds;
      const bool is_over = completion.error != nullptr || outcome.rounds == rides[completion.tag].rounds;
      if (is_over) {
        --running;
      } else {
        launch(completion.tag, next);
      }
    }
  }
  return outcomes;
}

}  // namespace daris::test
