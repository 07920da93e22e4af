// Modes MPS and MPSStreams on a real GPU with NVIDIA's MPS: granted SMs, outputs, and the death of a worker.
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <thread>

#include "engine/stage_runner.hpp"
#include "engine/torch/gpu_packages.hpp"
#include "engine/torch/open_plugin.hpp"
#include "engine/workers/mps_daemon.hpp"
#include "engine/workers/mps_engine.hpp"

namespace daris::engine::workers {
namespace {

using Bytes = std::vector<std::byte>;
using Slots = std::vector<std::unique_ptr<Slot>>;

constexpr Partitioning kHere{.contexts = 1, .streams_per_context = 1, .mode = PartitionMode::Streams};

[[noreturn]] void end_process(const std::string& report) {
  std::fprintf(stderr, "lost: %s\n", report.c_str());
  std::_Exit(torch::kLostStatus);
}

std::unique_ptr<Engine> open_gpu() {
  return with_mps(torch::open_engine(torch::plugin_beside_program(), {}),
                  {.worker = worker_beside_program(), .lost = end_process});
}

/// Null: why these tests are skipped.
std::unique_ptr<Engine> gpu_with_mps(std::string& why_not) {
  try {
    auto engine = open_gpu();
    engine->partition({.contexts = 2, .mode = PartitionMode::Mps});
    return engine;
  } catch (const std::invalid_argument& error) {
    why_not = error.what();  // the GPU is there, MPS is not
    if (why_not.find("not on PATH") == std::string::npos) throw;
  } catch (const std::runtime_error& error) {
    why_not = error.what();
  }
  return nullptr;
}

void fill_halves(std::span<std::byte> input) {
  for (std::size_t i = 0; i + 1 < input.size(); i += 2) {
    const auto half = static_cast<std::uint16_t>(0x3000 + (i * 7) % 0x0800);
    std::memcpy(&input[i], &half, sizeof half);
  }
}

class MpsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { engine_ = gpu_with_mps(why_not_); }
  static void TearDownTestSuite() { engine_.reset(); }
  void SetUp() override {
    if (!engine_) GTEST_SKIP() << why_not_;
  }

  static Bytes output_of(const std::shared_ptr<const LoadedModel>& model, std::uint32_t context) {
    const auto slot = engine_->create_slot(model, context, {1});
    fill_halves(slot->input(0));
    const auto outcome = test::run_rides(*engine_, model->manifest().stages.size(), {{slot.get(), 0, 3}})[0];
    EXPECT_EQ(outcome.rounds, 3U) << outcome.error;
    const auto bytes = slot->output(0);
    return {bytes.begin(), bytes.end()};
  }

  static inline std::unique_ptr<Engine> engine_;
  static inline std::string why_not_;
};

TEST_F(MpsTest, ContextsHaveTheSmsOfEquation9) {
  for (const double oversubscription : {1.0, 2.0, 4.0}) {
    const Partitioning wanted{
        .contexts = 4, .oversubscription = oversubscription, .mode = PartitionMode::Mps};
    engine_->partition(wanted);
    ASSERT_EQ(engine_->contexts().size(), 4U);
    for (const Context& context : engine_->contexts())
      EXPECT_EQ(context.units, sms_per_context(engine_->device().units, wanted));
  }
}

TEST_F(MpsTest, OutputsAreBitByBitThoseOfOneProcess) {
  engine_->partition(kHere);
  const auto model = engine_->load(test::open_gpu_package("resnet18"), {});
  const Bytes here = output_of(model, 0);
  engine_->partition({.contexts = 4, .oversubscription = 4, .mode = PartitionMode::Mps});
  for (std::uint32_t k = 0; k < 4; ++k) EXPECT_EQ(output_of(model, k), here) << "context " << k;
  engine_->partition(kHere);
  EXPECT_EQ(output_of(model, 0), here);
}

// Libraries choose kernels by the SMs that they see, so contexts of fewer SMs need not give the same bits as
// the whole GPU; among each other, alone and under load, they do.
TEST_F(MpsTest, OutputsUnderFullLoadAreThoseAlone) {
  engine_->partition(
      {.contexts = 4, .streams_per_context = 2, .oversubscription = 2, .mode = PartitionMode::MpsStreams});
  const auto model = engine_->load(test::open_gpu_package("resnet18"), {});
  const Bytes alone = output_of(model, 0);
  Slots slots;
  std::vector<test::Ride> rides;
  for (std::uint32_t i = 0; i < 8; ++i) {
    slots.push_back(engine_->create_slot(model, i / 2, {1}));
    fill_halves(slots.back()->input(0));
    rides.push_back({slots.back().get(), i % 2, 500});
  }
  for (const auto& outcome : test::run_rides(*engine_, model->manifest().stages.size(), rides))
    ASSERT_EQ(outcome.rounds, 500U) << outcome.error;
  for (const auto& slot : slots) {
    const auto bytes = slot->output(0);
    EXPECT_TRUE(std::ranges::equal(bytes, alone)) << "context " << slot->context();
  }
}

TEST_F(MpsTest, MeasuresEachStage) {
  engine_->partition({.contexts = 4, .oversubscription = 2, .mode = PartitionMode::Mps});
  const auto model = engine_->load(test::open_gpu_package("resnet18"), {});
  const auto afet_us = engine_->measure(model, 1, 50, {});
  ASSERT_EQ(afet_us.size(), model->manifest().stages.size());
  std::string words;
  for (const std::int64_t us : afet_us) {
    EXPECT_GT(us, 0);
    EXPECT_LT(us, 5'000);
    words += " " + std::to_string(us);
  }
  RecordProperty("stage-us", words);
  std::printf("MPS 4 contexts, oversubscription 2: AFET%s us\n", words.c_str());
}

TEST_F(MpsTest, ADivisionThatCannotBeHadLeavesTheFormer) {
  engine_->partition({.contexts = 2, .mode = PartitionMode::Mps});
  EXPECT_THROW(engine_->partition({.contexts = 2, .oversubscription = 3, .mode = PartitionMode::Mps}),
               std::invalid_argument);
  EXPECT_EQ(engine_->contexts().size(), 2U);
  const auto model = engine_->load(test::open_gpu_package("resnet18"), {});
  EXPECT_FALSE(output_of(model, 1).empty());
}

TEST_F(MpsTest, NoMpsIsLeftInOtherModes) {
  const auto pipes = mps_folder(engine_->device().uuid) / "pipe";
  engine_->partition({.contexts = 2, .mode = PartitionMode::Mps});
  EXPECT_FALSE(mps_processes(pipes).empty());
  engine_->partition(kHere);
  EXPECT_TRUE(mps_processes(pipes).empty());
}

pid_t a_worker() {
  const std::string own = std::to_string(::getpid());
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream children(task.path() / "children");
    for (pid_t child = 0; children >> child;) {
      std::ifstream comm("/proc/" + std::to_string(child) + "/comm");
      std::string name;
      if (comm >> name && name == "daris-worker") return child;
    }
  }
  return 0;
}

/// In a process of its own, started anew by the test: runs until it is ended over a dead worker.
void run_and_kill_a_worker() {
  const auto engine = open_gpu();
  engine->partition({.contexts = 3, .mode = PartitionMode::Mps});
  const auto model = engine->load(test::open_gpu_package("resnet18"), {});
  Slots slots;
  std::vector<test::Ride> rides;
  for (std::uint32_t k = 0; k < 3; ++k) {
    slots.push_back(engine->create_slot(model, k, {1}));
    rides.push_back({slots.back().get(), 0, 100'000});
  }
  std::thread killer([] {
    ::poll(nullptr, 0, 300);  // amid the load, which is seconds long
    ::kill(a_worker(), SIGKILL);
  });
  killer.detach();
  (void)test::run_rides(*engine, model->manifest().stages.size(), rides);
}

TEST(MpsDeathTest, AWorkerThatIsKilledEndsTheProcessAndLeavesNothing) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  std::string why_not;
  std::string uuid;
  if (const auto engine = gpu_with_mps(why_not)) {
    uuid = engine->device().uuid;
  } else {
    GTEST_SKIP() << why_not;
  }
  EXPECT_EXIT(run_and_kill_a_worker(), testing::ExitedWithCode(torch::kLostStatus), "was ended by signal 9");
  EXPECT_TRUE(mps_processes(mps_folder(uuid) / "pipe").empty());
  // And the GPU can be had again.
  EXPECT_NE(gpu_with_mps(why_not), nullptr) << why_not;
}

}  // namespace
}  // namespace daris::engine::workers
