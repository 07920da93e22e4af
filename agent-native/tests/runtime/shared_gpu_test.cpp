// What becomes of tasks while others work on the GPU: what runs goes on, nothing starts, and it starts once
// they left.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "desired_task.hpp"
#include "engine/contract.hpp"
#include "engine/stage_runner.hpp"
#include "runtime/runtime.hpp"

namespace daris::runtime {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);
constexpr const char* kWords = "process 4242 (python3) works on this GPU too";

device::Report shared() {
  device::Report report;
  report.foreign.processes.push_back(
      {.pid = 4242, .lineage = {4242}, .memoryBytes = {}, .mps = false, .name = "python3"});
  report.sharing = kWords;
  return report;
}

class SharedGpu : public testing::Test {
 protected:
  SharedGpu() { test::write_folder(package_, root_.path() / "chain"); }

  /// Tasks of these names, on as many contexts as asked for; nobody brings AFETs, so the model is measured.
  void apply(const std::vector<std::string>& names, std::uint32_t contexts = 1) {
    DesiredState state;
    state.generation = ++generation_;
    state.policy.partition = {contexts, 1, static_cast<double>(contexts)};
    state.models = {{package_.digest(), "file:///chain"}};
    for (const std::string& name : names) {
      DesiredTask task = test::taskNamed(name);
      task.modelDigest = package_.digest();
      task.gpuUuid = engine_->device().uuid;
      state.tasks.push_back(task);
    }
    runtime_.apply(std::move(state));
  }

  [[nodiscard]] ObservedTask task(const std::string& name) {
    for (ObservedTask& each : runtime_.observe().tasks) {
      if (each.uid == "uid-" + name) return each;
    }
    return {};
  }

  template <typename Holds>
  void until(Holds holds) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!holds()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  void untilServing(const std::string& name) {
    until([&] { return task(name).phase == TaskPhase::Serving; });
  }

  const test::TemporaryFolder root_;
  const test::PackageContent package_ = engine::contract::chain();
  const SystemClock clock_;
  const std::unique_ptr<engine::Engine> engine_ = engine::contract::make_engine();
  std::uint64_t generation_ = 0;
  Runtime runtime_{*engine_,
                   clock_,
                   {.modelRoot = root_.path(),
                    .slotMemoryBytes = 64 << 20,
                    .dispatcherCore = test::usable_core(),
                    .traceRecords = 1024,
                    .version = "test"}};
};

TEST_F(SharedGpu, AtTheStartNothingIsServedUntilItIsFree) {
  runtime_.report(shared());
  apply({"first"});
  until([&] { return task("first").phase == TaskPhase::Refused; });
  EXPECT_EQ(task("first").reason, "ForeignSharing");
  EXPECT_EQ(task("first").message, kWords);
  until([&] { return runtime_.observe().models.at(0).phase == ModelPhase::Ready; });
  EXPECT_FALSE(runtime_.observe().models.at(0).measured) << "not beside somebody else";
  runtime_.report({});
  untilServing("first");
  EXPECT_TRUE(runtime_.observe().models.at(0).measured);
}

TEST_F(SharedGpu, WhatRunsGoesOnAndNothingNewStarts) {
  apply({"first"});
  untilServing("first");
  runtime_.report(shared());
  apply({"first", "second"});
  EXPECT_EQ(task("first").phase, TaskPhase::Serving);
  EXPECT_EQ(task("second").reason, "ForeignSharing");
  const std::uint64_t completed = task("first").statistics.jobs().completed;
  until([&] { return task("first").statistics.jobs().completed > completed; });
  runtime_.report({});
  untilServing("second");
}

TEST_F(SharedGpu, WhatRanGoesOnAfterTheGpuWasDividedAnew) {
  apply({"first"});
  untilServing("first");
  runtime_.report(shared());
  apply({"first"}, 2);
  until([&] { return runtime_.observe().contexts.size() == 2; });
  // The model is not measured anew under the other partitioning, so what was measured stands in for it.
  untilServing("first");
}

TEST_F(SharedGpu, AFaultIsReportedAndEndsNothing) {
  apply({"first"});
  untilServing("first");
  device::Report report;
  report.fault = device::Fault{"XidCritical", "the driver logged Xid 79"};
  runtime_.report(report);
  EXPECT_EQ(runtime_.observe().gpu->fault->reason, "XidCritical");
  EXPECT_EQ(task("first").phase, TaskPhase::Serving);
  apply({"first", "second"});
  untilServing("second");
}

}  // namespace
}  // namespace daris::runtime
