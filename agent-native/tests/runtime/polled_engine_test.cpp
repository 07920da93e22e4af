// The dispatcher with an engine whose completions are found by polling alone: nobody tells it, and it loses
// none.
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "engine/contract.hpp"
#include "engine/onnx_packages.hpp"
#include "engine/stage_runner.hpp"
#include "engine/wrapped_engine.hpp"
#include "runtime/dispatcher.hpp"

namespace daris::runtime {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);
constexpr std::uint64_t kJobs = 50;

/// A real engine that tells no listener.
class SilentEngine : public test::WrappedEngine {
 public:
  using WrappedEngine::WrappedEngine;
  void listen(engine::CompletionListener*) noexcept override {}
  [[nodiscard]] bool polled() const noexcept override { return true; }
};

class PolledEngineTest : public testing::Test {
 protected:
  PolledEngineTest() {
    const auto entered = std::make_shared<std::promise<void>>();
    std::promise<std::optional<std::string>> divided;
    divided.set_value(std::nullopt);
    dispatcher_.post(Repartition{{}, {}, engine_.device().units, entered, divided.get_future().share()});
    entered->get_future().wait();
    AddSlots slots;
    slots.slots.push_back(engine_.create_slot(model_, 0, {1}));
    slots.sample = engine_.create_job_memory(*model_, 1);
    dispatcher_.post(std::move(slots));
  }

  void add(InstanceId instance, DurationUs periodUs) {
    sched::TaskSpec spec;
    spec.priority = sched::Priority::High;
    spec.periodUs = spec.deadlineUs = periodUs;
    spec.afetUs.assign(model_->manifest().stages.size(), 1000);
    spec.context = sched::ContextRef{};
    spec.order = instance;
    dispatcher_.post(AddTask{instance,
                             {spec, 0},
                             std::make_shared<const std::string>("default/a"),
                             std::make_shared<TaskStatistics>()});
  }

  [[nodiscard]] std::uint64_t completed() {
    dispatcher_.figures().refresh();
    const auto& tasks = dispatcher_.figures().front().tasks;
    return tasks.empty() ? 0 : tasks.front().statistics.jobs().completed;
  }

  void awaitJobs(std::uint64_t count) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (completed() < count) {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  void awaitEnd(InstanceId instance) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    dispatcher_.post(RemoveTask{instance});
    for (;;) {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      const auto event = events_.tryReceive();
      if (event && std::holds_alternative<TaskEnded>(*event)) return;
      if (!event) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  const test::TemporaryFolder root_;
  SilentEngine engine_{engine::contract::make_engine()};
  const std::shared_ptr<const engine::LoadedModel> model_ =
      engine_.load(test::open_content(engine::contract::chain(), root_), {});
  const SystemClock clock_;
  Channel<Event> events_{1024};
  trace::Ring ring_{1024};
  // Not on the stream's core, which it would keep from it; where there is no other, it is bound to none.
  Dispatcher dispatcher_{engine_, clock_, events_, ring_, {.core = test::usable_core() + 1}};
};

// One test: compiling the stages takes longer than all else here.
TEST_F(PolledEngineTest, JobsRunWithoutBeingToldAndCommandsAreTakenSpinningOrAsleep) {
  add(1, 10'000);
  awaitJobs(kJobs);
  awaitEnd(1);  // it has spun until now, and sleeps
  add(2, 10'000);
  awaitJobs(1);
  awaitEnd(2);
  dispatcher_.drain();
}

}  // namespace
}  // namespace daris::runtime
