// What users can get wrong with packages and policies, on the whole runtime below rpc/ and a real engine:
// each says what it is, and everything else runs on. The engine is told to be one that runs compiled code,
// that has little memory, no MPS, and a stage that cannot run in its context, as a GPU may be.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "desired_task.hpp"
#include "engine/contract.hpp"
#include "engine/stage_runner.hpp"
#include "engine/wrapped_engine.hpp"
#include "runtime/error.hpp"
#include "runtime/runtime.hpp"

namespace daris::runtime {
namespace {

constexpr auto kPatience = std::chrono::seconds(120);
constexpr const char* kRemark = "stage 'stage-2' at batch 1 runs on the whole GPU";

/// A slot that has something to say.
class RemarkedSlot final : public engine::Slot {
 public:
  explicit RemarkedSlot(std::unique_ptr<engine::Slot> slot) : slot_(std::move(slot)) {}
  [[nodiscard]] engine::Slot* inner() const { return slot_.get(); }
  [[nodiscard]] std::uint32_t context() const override { return slot_->context(); }
  [[nodiscard]] std::span<const std::uint32_t> batches() const override { return slot_->batches(); }
  [[nodiscard]] std::span<std::byte> input(std::size_t i) override { return slot_->input(i); }
  [[nodiscard]] std::span<const std::byte> output(std::size_t i) const override { return slot_->output(i); }
  [[nodiscard]] std::uint64_t memory_bytes() const override { return slot_->memory_bytes(); }
  [[nodiscard]] std::span<const std::string> remarks() const override { return remarks_; }
  void seat(std::uint32_t place, engine::JobMemory& job, bool outputs) override {
    slot_->seat(place, job, outputs);
  }
  void collect(std::uint32_t place, engine::JobMemory& job) override { slot_->collect(place, job); }
  void vacate() override { slot_->vacate(); }

 private:
  std::unique_ptr<engine::Slot> slot_;
  std::vector<std::string> remarks_{kRemark};
};

class GpuLikeEngine : public test::WrappedEngine {
 public:
  GpuLikeEngine() : WrappedEngine(engine::contract::make_engine()), device_(WrappedEngine::device()) {
    device_.compiled_code = true;
  }
  std::string full;                   // digest of the package that finds no memory
  std::atomic<bool> faulty = false;   // each stage fails
  std::atomic<bool> crowded = false;  // no job finds memory
  std::atomic<std::size_t> loads = 0;

  [[nodiscard]] const engine::Device& device() const override { return device_; }
  void partition(const engine::Partitioning& wanted) override {
    if (wanted.mode == engine::PartitionMode::Mps) throw std::invalid_argument("this machine has no MPS");
    WrappedEngine::partition(wanted);
  }
  [[nodiscard]] std::shared_ptr<const engine::LoadedModel> load(const model::Package& package,
                                                                std::stop_token stop) override {
    ++loads;
    if (package.digest() == full) throw engine::EngineError("OutOfMemory", "needs 2 GiB, 1 GiB are left");
    return WrappedEngine::load(package, stop);
  }
  [[nodiscard]] std::unique_ptr<engine::Slot> create_slot(
      const std::shared_ptr<const engine::LoadedModel>& model, std::uint32_t context,
      const std::vector<std::uint32_t>& batches) override {
    auto slot = std::make_unique<RemarkedSlot>(WrappedEngine::create_slot(model, context, batches));
    const std::scoped_lock lock(mutex_);
    outer_[slot->inner()] = slot.get();
    return slot;
  }
  [[nodiscard]] std::shared_ptr<engine::JobMemory> create_job_memory(const engine::LoadedModel& model,
                                                                     std::uint32_t batch) override {
    if (crowded) throw engine::EngineError("OutOfMemory", "all of 512 MiB page-locked memory is in use");
    return WrappedEngine::create_job_memory(model, batch);
  }
  void launch(const engine::Launch& launch) noexcept override {
    engine::Launch inner = launch;
    inner.slot = static_cast<RemarkedSlot*>(launch.slot)->inner();
    WrappedEngine::launch(inner);
  }
  [[nodiscard]] std::size_t poll(std::span<engine::Completion> completions) noexcept override {
    const std::size_t count = WrappedEngine::poll(completions);
    const std::scoped_lock lock(mutex_);
    for (engine::Completion& each : completions.first(count)) {
      each.slot = outer_.at(each.slot);
      if (faulty) each.error = "an illegal instruction";
    }
    return count;
  }

 private:
  engine::Device device_;
  std::mutex mutex_;  // guards outer_
  std::map<engine::Slot*, engine::Slot*> outer_;
};

class BadInput : public testing::Test {
 protected:
  BadInput() {
    test::write_folder(package_, root_.path() / "chain");
    desired_.policy.partition = {1, 1, 1};
    desired_.policy.scheduling.mretAging = true;  // a stall of the machine is not held against tasks for ever
    desired_.policy.name = "edge";
    desired_.policy.compiledCodeNamespaces = {"vision"};
    desired_.models = {{package_.digest(), "file:///chain", false, {"vision", "lab"}}};
    desired_.tasks = {taskOf("front", "vision")};
  }

  [[nodiscard]] DesiredTask taskOf(const std::string& name, const std::string& nameSpace) const {
    DesiredTask task = test::taskNamed(name);
    task.nameSpace = nameSpace;
    task.modelDigest = package_.digest();
    task.periodUs = task.deadlineUs = 20'000;
    task.gpuUuid = engine_.device().uuid;
    return task;
  }

  void apply() {
    ++desired_.generation;
    runtime_.apply(desired_);
  }

  /// What is told of a task once `holds`, or at last.
  template <typename Holds>
  ObservedTask await(const std::string& name, Holds holds) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
      const ObservedState state = runtime_.observe();
      const auto found = std::ranges::find(state.tasks, "uid-" + name, &ObservedTask::uid);
      const bool late = std::chrono::steady_clock::now() >= end;
      if (found != state.tasks.end() && (late || holds(*found))) {
        EXPECT_FALSE(late) << name << ": " << found->reason << ": " << found->message;
        return *found;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  ObservedTask awaitPhase(const std::string& name, TaskPhase phase) {
    return await(name, [phase](const ObservedTask& task) { return task.phase == phase; });
  }
  void awaitMoreJobs(const std::string& name) {
    const auto jobs = [](const ObservedTask& task) { return task.statistics.jobs().completed; };
    const std::uint64_t before = jobs(await(name, [](const ObservedTask&) { return true; }));
    await(name, [&](const ObservedTask& task) { return jobs(task) > before + 2; });
  }
  [[nodiscard]] ObservedModel modelOf(const std::string& digest) {
    for (const ObservedModel& model : runtime_.observe().models)
      if (model.digest == digest) return model;
    return {};
  }

  const test::TemporaryFolder root_;
  const test::PackageContent package_ = engine::contract::chain();
  const SystemClock clock_;
  GpuLikeEngine engine_;
  DesiredState desired_;
  Runtime runtime_{engine_,
                   clock_,
                   {.modelRoot = root_.path(),
                    .slotMemoryBytes = 64 << 20,
                    .dispatcherCore = test::usable_core(),
                    .traceRecords = 1024,
                    .version = "test"}};
};

TEST_F(BadInput, OfTwoTasksOfOnePackageTheOneOfAListedNamespaceIsServed) {
  desired_.tasks.push_back(taskOf("guest", "lab"));
  apply();
  const ObservedTask front = awaitPhase("front", TaskPhase::Serving);
  EXPECT_EQ(front.message, kRemark) << "what the engine remarks is told of a task that serves";
  const ObservedTask guest = awaitPhase("guest", TaskPhase::Refused);
  EXPECT_EQ(guest.reason, "CompiledCodeNotAllowed");
  EXPECT_NE(guest.message.find("namespace lab is not listed in spec.compiledCode.namespaces of policy edge"),
            std::string::npos)
      << guest.message;
  awaitMoreJobs("front");
}

TEST_F(BadInput, WhatNoListedNamespaceNamesIsNotOpenedUntilOneDoes) {
  desired_.models.front().namespaces = {"lab"};
  desired_.models.front().uri = "file:///nowhere";  // it would not be found
  apply();
  EXPECT_EQ(awaitPhase("front", TaskPhase::Refused).reason, "ModelFailed");
  EXPECT_EQ(modelOf(package_.digest()).reason, "CompiledCodeNotAllowed");
  EXPECT_EQ(engine_.loads, 0U);
  desired_.models.front() = {package_.digest(), "file:///chain", false, {"vision"}};
  apply();
  awaitPhase("front", TaskPhase::Serving);
  awaitMoreJobs("front");
}

TEST_F(BadInput, ANamespaceThatIsListedNoMoreIsServedNoMore) {
  apply();
  awaitPhase("front", TaskPhase::Serving);
  desired_.policy.compiledCodeNamespaces.clear();
  apply();
  EXPECT_EQ(awaitPhase("front", TaskPhase::Refused).reason, "CompiledCodeNotAllowed");
  EXPECT_EQ(modelOf(package_.digest()).phase, ModelPhase::Failed);
  desired_.policy.compiledCodeNamespaces = {"vision"};
  apply();
  awaitPhase("front", TaskPhase::Serving);
}

TEST_F(BadInput, AModelThatFindsNoMemoryIsRefusedInTheEnginesWordsBesideWhatRuns) {
  apply();
  awaitPhase("front", TaskPhase::Serving);
  test::PackageContent large = package_;
  large.manifest["name"] = "large";
  engine_.full = large.digest();
  test::write_folder(large, root_.path() / "large");
  desired_.models.push_back({large.digest(), "file:///large", false, {"vision"}});
  desired_.tasks.push_back(taskOf("big", "vision"));
  desired_.tasks.back().modelDigest = large.digest();
  apply();
  const ObservedTask refused = awaitPhase("big", TaskPhase::Refused);
  EXPECT_EQ(refused.message, "OutOfMemory: needs 2 GiB, 1 GiB are left");
  awaitMoreJobs("front");
}

TEST_F(BadInput, ARequestThatFindsNoMemoryIsRefusedInWordsAndTheTaskRunsOn) {
  apply();
  awaitPhase("front", TaskPhase::Serving);
  const ServedTask served = runtime_.serving("front.vision");
  engine_.crowded = true;
  try {
    static_cast<void>(runtime_.jobMemory(served));
    FAIL() << "there was some";
  } catch (const Exhausted& error) {
    EXPECT_STREQ(
        error.what(),
        "no memory for a request of task 'front.vision': all of 512 MiB page-locked memory is in use; "
        "send fewer requests at once");
  }
  awaitMoreJobs("front");
  engine_.crowded = false;
  EXPECT_NE(runtime_.jobMemory(served), nullptr);
}

TEST_F(BadInput, AStageThatFaultsFailsItsJobsAndLeavesTheTaskRunning) {
  apply();
  awaitPhase("front", TaskPhase::Serving);
  awaitMoreJobs("front");
  engine_.faulty = true;
  await("front", [](const ObservedTask& task) { return task.statistics.jobs().failed > 2; });
  engine_.faulty = false;
  awaitMoreJobs("front");
}

TEST_F(BadInput, APartitioningThatCannotBeHadIsToldInTheEnginesWordsAndTheFormerOneComesBack) {
  apply();
  awaitPhase("front", TaskPhase::Serving);
  desired_.policy.partition.mode = engine::PartitionMode::Mps;
  apply();
  const ObservedTask refused = awaitPhase("front", TaskPhase::Refused);
  EXPECT_EQ(refused.reason, "PartitionFailed");
  EXPECT_EQ(runtime_.observe().partitionFault, "this machine has no MPS");
  desired_.policy.partition.mode = engine::PartitionMode::GreenContexts;
  apply();
  awaitPhase("front", TaskPhase::Serving);
  EXPECT_EQ(runtime_.observe().partitionFault, "");
  awaitMoreJobs("front");
}

}  // namespace
}  // namespace daris::runtime
