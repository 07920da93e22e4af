#include "gpu/beside.hpp"

#include <chrono>
#include <thread>

#include "gpu/bare_loop.hpp"
#include "gpu/models.hpp"
#include "runtime/clock.hpp"

namespace daris::bench {
namespace {

void rest(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

template <typename Work>
Window window_of(const char* name, Work work) {
  const runtime::SystemClock clock;
  Window window{.name = name, .from_us = clock.steadyUs()};
  work();
  window.to_us = clock.steadyUs();
  return window;
}

}  // namespace

std::vector<Window> look_on(double warm_up_seconds, double seconds, BusyRounds& rounds) {
  rest(warm_up_seconds);
  rounds.open();
  Window window = window_of("all", [&] { rest(seconds); });
  rounds.close();
  return {std::move(window)};
}

std::vector<Window> load_beside(engine::Engine& engine, const BesidePlan& plan, std::uint32_t repetitions,
                                double warm_up_seconds, double seconds) {
  rest(warm_up_seconds);
  std::vector<Window> windows{window_of("before", [&] { rest(seconds); })};
  std::shared_ptr<const engine::LoadedModel> model;
  windows.push_back(window_of("load", [&] { model = engine.load(open_folder(plan.package), {}); }));
  windows.push_back(window_of("measure", [&] { (void)engine.measure(model, plan.batch, repetitions, {}); }));
  Slots slots;
  const auto create = [&](std::uint32_t context) {
    slots.push_back(engine.create_slot(model, context, {plan.batch}));
  };
  windows.push_back(window_of("firstSlot", [&] { create(0); }));
  windows.push_back(window_of("otherSlots", [&] {
    for (std::uint32_t context = 0; context < engine.contexts().size(); ++context) {
      for (std::uint32_t i = context == 0 ? 1 : 0; i < plan.slots; ++i) create(context);
    }
  }));
  windows.push_back({"during", windows[1].from_us, windows.back().to_us});
  windows.push_back(window_of("after", [&] { rest(seconds); }));
  windows.push_back(window_of("destroySlots", [&] { slots.clear(); }));
  return windows;
}

}  // namespace daris::bench
