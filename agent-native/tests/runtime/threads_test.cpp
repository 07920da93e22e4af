// The whole runtime below rpc/, on a real engine, asked by many threads at once. Small by itself; what it
// is for is the thread sanitizer, which sees dispatcher, the engine's threads, loader and responder meet
// here.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "desired_task.hpp"
#include "engine/contract.hpp"
#include "engine/stage_runner.hpp"
#include "runtime/error.hpp"
#include "runtime/runtime.hpp"

namespace daris::runtime {
namespace {

constexpr std::size_t kClients = 3;
constexpr int kRequestsEach = 60;
constexpr std::uint64_t kEdits = 20;
constexpr auto kPatience =
    std::chrono::seconds(120);  // a model is compiled in the background, under a sanitizer

class RuntimeThreads : public testing::Test {
 protected:
  RuntimeThreads() { test::write_folder(package_, root_.path() / "chain"); }

  /// Three tasks on two contexts; periods and the third task differ from one generation to the next.
  [[nodiscard]] DesiredState desired(std::uint64_t generation) const {
    DesiredState state;
    state.generation = generation;
    state.policy.partition = {2, 1, 2};  // both contexts on the one core
    state.models = {{package_.digest(), "file:///chain"}};
    state.tasks = {task("periodic", sched::ReleaseMode::Periodic),
                   task("asked", sched::ReleaseMode::OnRequest)};
    state.tasks[0].periodUs = state.tasks[0].deadlineUs = generation % 2 == 0 ? 20'000 : 30'000;
    if (generation % 3 == 0) state.tasks.push_back(task("guest", sched::ReleaseMode::Periodic));
    for (DesiredTask& each : state.tasks) each.gpuUuid = engine_->device().uuid;
    return state;
  }

  void waitUntilServing(const std::string& name) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (runtime_.find(name).phase != TaskPhase::Serving) {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << runtime_.find(name).message;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  /// Sends requests to "asked", some of which are early, replaced or abandoned; every one is answered once.
  void askRepeatedly() {
    for (int i = 0; i < kRequestsEach; ++i) {
      const ServedTask served = runtime_.serving("asked.default");
      auto request = std::make_shared<Request>();
      request->instance = served.instance;
      request->memory = runtime_.jobMemory(served);
      request->clientDeadlineUs = INT64_MAX;
      request->answer = [this](Request& answered) {
        ++answers_;
        if (answered.outcome.answer == Answer::Completed) ++completed_;
      };
      runtime_.submit(request);
      if (i % 8 == 0) request->abandoned = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }

  static DesiredTask task(const std::string& name, sched::ReleaseMode mode);

  const test::TemporaryFolder root_;
  const test::PackageContent package_ = engine::contract::chain();
  const std::uint32_t core_ = test::usable_core();
  const SystemClock clock_;
  const std::unique_ptr<engine::Engine> engine_ = engine::contract::make_engine();
  std::atomic<std::size_t> answers_{0};
  std::atomic<std::size_t> completed_{0};
  Runtime runtime_{*engine_,
                   clock_,
                   {.modelRoot = root_.path(),
                    .slotMemoryBytes = 64 << 20,
                    .dispatcherCore = core_,
                    .traceRecords = 1024,
                    .version = "test"}};
};

DesiredTask RuntimeThreads::task(const std::string& name, sched::ReleaseMode mode) {
  DesiredTask task = test::taskNamed(name);
  task.modelDigest = engine::contract::chain().digest();
  task.release = mode;
  task.periodUs = task.deadlineUs = 10'000;
  return task;
}

TEST_F(RuntimeThreads, ClientsAndAgentAtOnceLoseNoAnswer) {
  runtime_.apply(desired(1));
  waitUntilServing("asked.default");
  waitUntilServing("periodic.default");
  {
    std::vector<std::jthread> threads;
    for (std::size_t client = 0; client < kClients; ++client)
      threads.emplace_back([this] { askRepeatedly(); });
    threads.emplace_back([this](std::stop_token stop) {
      while (!stop.stop_requested()) EXPECT_GE(runtime_.observe().tasks.size(), 2U);
    });
    for (std::uint64_t edit = 2; edit < 2 + kEdits; ++edit) runtime_.apply(desired(edit));
    for (std::size_t client = 0; client < kClients; ++client) threads[client].join();
  }
  runtime_.drain();
  EXPECT_EQ(answers_, kClients * kRequestsEach);
  EXPECT_GT(completed_, 0U);
}

}  // namespace
}  // namespace daris::runtime
