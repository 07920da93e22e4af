// The engine's contract on a real GPU: loading, capturing, running many slots at once, and what goes wrong.
#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "engine/job_memory.hpp"
#include "engine/stage_runner.hpp"
#include "engine/torch/gpu_packages.hpp"
#include "engine/torch/open_plugin.hpp"

namespace daris::engine::torch {
namespace {

using Slots = std::vector<std::unique_ptr<Slot>>;
using Bytes = std::vector<std::byte>;

// Halves from 0.125 to 0.5, other ones for each seed.
void fill_halves(std::span<std::byte> input, std::uint32_t seed) {
  for (std::size_t i = 0; i + 1 < input.size(); i += 2) {
    const auto half = static_cast<std::uint16_t>(0x3000 + (i * 7 + seed * 131) % 0x0800);
    std::memcpy(&input[i], &half, sizeof half);
  }
}

Bytes output_of(const Slot& slot) {
  const auto bytes = slot.output(0);
  return {bytes.begin(), bytes.end()};
}

class GpuEngineTest : public testing::Test {
 protected:
  // One for all tests: a process has one primary context, and loading torch takes seconds.
  static Engine& engine() {
    static const std::unique_ptr<Engine> engine = open_engine(plugin_beside_program(), {});
    return *engine;
  }

  static std::shared_ptr<const LoadedModel> load(const std::string& name) {
    return engine().load(test::open_gpu_package(name), {});
  }

  static Slots slots_on_all_streams(const std::shared_ptr<const LoadedModel>& model, std::uint32_t batch) {
    Slots slots;
    for (std::uint32_t context = 0; context < engine().contexts().size(); ++context) {
      for (std::uint32_t s = 0; s < engine().contexts()[context].streams; ++s) {
        slots.push_back(engine().create_slot(model, context, {batch}));
        fill_halves(slots.back()->input(0), static_cast<std::uint32_t>(slots.size()));
      }
    }
    return slots;
  }

  static void run(const LoadedModel& model, const std::vector<test::Ride>& rides) {
    const auto outcomes = test::run_rides(engine(), model.manifest().stages.size(), rides);
    for (std::size_t i = 0; i < rides.size(); ++i)
      ASSERT_EQ(outcomes[i].rounds, rides[i].rounds) << i << ": " << outcomes[i].error;
  }

  static std::vector<Bytes> outputs_alone(const LoadedModel& model, const Slots& slots) {
    std::vector<Bytes> outputs;
    for (const auto& slot : slots) {
      run(model, {{slot.get(), 0, 1}});
      outputs.push_back(output_of(*slot));
    }
    return outputs;
  }

  static std::vector<test::Ride> all_at_once(const Slots& slots, std::uint32_t rounds) {
    std::vector<test::Ride> rides;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const std::uint32_t streams = engine().contexts()[slots[i]->context()].streams;
      rides.push_back({slots[i].get(), static_cast<std::uint32_t>(i % streams), rounds});
    }
    return rides;
  }

  static std::string refusal_of(const model::Package& package, std::string& reason) {
    try {
      (void)engine().load(package, {});
    } catch (const EngineError& error) {
      reason = error.reason();
      return error.what();
    }
    return "";
  }
};

TEST_F(GpuEngineTest, DescribesItsDevice) {
  const Device& device = engine().device();
  EXPECT_EQ(device.engine, "torch");
  EXPECT_TRUE(device.uuid.starts_with("GPU-"));
  EXPECT_EQ(device.uuid.size(), 40U);
  EXPECT_GT(device.units, 8U);
  EXPECT_TRUE(engine().polled());
  EXPECT_TRUE(device.compiled_code);
}

TEST_F(GpuEngineTest, ContextsHaveTheSmsOfTheirShare) {
  engine().partition({.contexts = 4, .streams_per_context = 2, .oversubscription = 2});
  for (const Context& context : engine().contexts()) {
    EXPECT_GE(context.units, engine().device().units / 2);
    EXPECT_LT(context.units, engine().device().units);
    EXPECT_EQ(context.wanted, sms_per_context(engine().device().units, {4, 2, 2}));
    EXPECT_GE(context.units, context.wanted);
    EXPECT_EQ(context.streams, 2U);
  }
  engine().partition({.contexts = 2, .mode = PartitionMode::Streams});
  for (const Context& context : engine().contexts()) EXPECT_EQ(context.units, engine().device().units);
}

TEST_F(GpuEngineTest, APartitioningThatCannotBeHadLeavesTheFormer) {
  engine().partition({.contexts = 2, .streams_per_context = 1});
  EXPECT_THROW(engine().partition({.contexts = 2, .oversubscription = 3}), std::invalid_argument);
  EXPECT_EQ(engine().contexts().size(), 2U);
}

TEST_F(GpuEngineTest, OutputsUnderFullLoadAreBitIdenticalToThoseAlone) {
  engine().partition({.contexts = 4, .streams_per_context = 2, .oversubscription = 2});
  const auto model = load("resnet18");
  const Slots slots = slots_on_all_streams(model, 1);
  const auto alone = outputs_alone(*model, slots);
  EXPECT_NE(alone[0], alone[1]);
  for (int round = 0; round < 20; ++round) {
    run(*model, all_at_once(slots, 10));
    for (std::size_t i = 0; i < slots.size(); ++i) ASSERT_EQ(output_of(*slots[i]), alone[i]) << i;
  }
}

TEST_F(GpuEngineTest, TwoGemmSlotsOfOneContextDoNotTouchEachOther) {
  engine().partition({.contexts = 1, .streams_per_context = 2});
  const auto model = load("gemm");
  const Slots slots = slots_on_all_streams(model, 8);
  const auto alone = outputs_alone(*model, slots);
  EXPECT_NE(alone[0], alone[1]);
  for (int round = 0; round < 10'000; ++round) {
    run(*model, all_at_once(slots, 1));
    for (std::size_t i = 0; i < slots.size(); ++i) ASSERT_EQ(output_of(*slots[i]), alone[i]) << round;
  }
}

TEST_F(GpuEngineTest, ASlotRunsOnEachStreamOfItsContext) {
  engine().partition({.contexts = 2, .streams_per_context = 2});
  const auto model = load("resnet18");
  const auto slot = engine().create_slot(model, 1, {1});
  run(*model, {{slot.get(), 0, 1}});
  const Bytes first = output_of(*slot);
  run(*model, {{slot.get(), 1, 3}});
  EXPECT_EQ(output_of(*slot), first);
}

TEST_F(GpuEngineTest, ABatchIsItsElementsOneByOne) {
  engine().partition({});
  const auto model = load("gemm");
  const auto slot = engine().create_slot(model, 0, {8});
  const std::size_t element = model->manifest().inputs[0].element_bytes();
  for (std::size_t i = 0; i < 8; ++i) fill_halves(slot->input(0).subspan(i * element, element), 1);
  run(*model, {{slot.get(), 0, 1}});
  const Bytes outputs = output_of(*slot);
  const std::size_t each = outputs.size() / 8;
  for (std::size_t i = 1; i < 8; ++i)
    EXPECT_EQ(std::memcmp(outputs.data(), outputs.data() + i * each, each), 0) << i;
}

TEST_F(GpuEngineTest, AUnitsJobsGetWhatABatchOfTheirInputsGives) {
  engine().partition({.contexts = 1, .streams_per_context = 2});
  const auto model = load("gemm");
  const auto slot = engine().create_slot(model, 0, {1, 8});
  const auto batch = engine().create_slot(model, 0, {8});
  const std::size_t element = model->manifest().inputs[0].element_bytes();
  std::vector<std::shared_ptr<JobMemory>> jobs;
  for (std::uint32_t i = 0; i < 8; ++i) {
    jobs.push_back(engine().create_job_memory(*model, 1));
    fill_halves(jobs[i]->input(0), i);
    fill_halves(batch->input(0).subspan(i * element, element), i);
    slot->seat(i, *jobs[i], i != 3);
  }
  run(*model, {{slot.get(), 0, 1, 1}, {batch.get(), 1, 1}});
  const Bytes expected = output_of(*batch);
  const std::size_t each = expected.size() / 8;
  for (std::uint32_t i = 0; i < 8; ++i) {
    slot->collect(i, *jobs[i]);
    const bool same = std::memcmp(jobs[i]->output(0).data(), &expected[i * each], each) == 0;
    EXPECT_EQ(same, i != 3) << i << (i == 3 ? ": whose outputs nobody wants" : "");
  }
}

TEST_F(GpuEngineTest, OnceVacatedASlotTouchesNoJob) {
  engine().partition({});
  const auto model = load("gemm");
  const auto slot = engine().create_slot(model, 0, {1, 8});
  const auto job = engine().create_job_memory(*model, 1);
  fill_halves(job->input(0), 5);
  fill_halves(slot->input(0), 6);
  slot->seat(0, *job, true);
  run(*model, {{slot.get(), 0, 1}});
  const Bytes seated(job->output(0).begin(), job->output(0).end());
  slot->vacate();
  std::ranges::fill(job->output(0), std::byte{0});
  run(*model, {{slot.get(), 0, 1}});
  run(*model, {{slot.get(), 0, 1, 1}});
  EXPECT_TRUE(std::ranges::all_of(job->output(0), [](std::byte byte) { return byte == std::byte{0}; }));
  EXPECT_NE(
      Bytes(slot->output(0).begin(), slot->output(0).begin() + static_cast<std::ptrdiff_t>(seated.size())),
      seated);
}

TEST_F(GpuEngineTest, AJobWhoseMemoryAnotherEngineMadeGoesTheSameWay) {
  engine().partition({});
  const auto model = load("gemm");
  const auto slot = engine().create_slot(model, 0, {1, 8});
  const auto ours = engine().create_job_memory(*model, 1);
  const auto other = make_heap_job_memory(model->manifest(), 1);
  for (JobMemory* job : {ours.get(), other.get()}) fill_halves(job->input(0), 7);
  slot->seat(1, *ours, true);
  slot->seat(2, *other, true);
  run(*model, {{slot.get(), 0, 1, 1}});
  slot->collect(1, *ours);
  slot->collect(2, *other);
  EXPECT_TRUE(std::ranges::equal(ours->output(0), other->output(0)));
}

TEST_F(GpuEngineTest, SmallerBatchesUseTheMemoryOfTheLargest) {
  engine().partition({});
  const auto model = load("resnet18");
  (void)engine().create_slot(model, 0, {1, 8});  // the very first one finds less loaded
  const std::uint64_t alone = engine().create_slot(model, 0, {8})->memory_bytes();
  const std::uint64_t both = engine().create_slot(model, 0, {1, 8})->memory_bytes();
  EXPECT_LE(both, alone + (alone / 4));
}

TEST_F(GpuEngineTest, AfetIsLongerWithAllStreamsBusy) {
  const auto model = load("resnet18");
  engine().partition({.contexts = 1, .streams_per_context = 1});
  const auto alone = engine().measure(model, 1, 50, {});
  run(*model,
      {{engine().create_slot(model, 0, {1}).get(), 0, 1}});  // the former partitioning is live until now
  engine().partition({.contexts = 1, .streams_per_context = 8});
  const auto shared = engine().measure(model, 1, 50, {});
  ASSERT_EQ(alone.size(), model->manifest().stages.size());
  ASSERT_EQ(shared.size(), alone.size());
  std::int64_t sum_alone = 0;
  std::int64_t sum_shared = 0;
  for (std::size_t i = 0; i < alone.size(); ++i) {
    EXPECT_GT(alone[i], 0);
    sum_alone += alone[i];
    sum_shared += shared[i];
  }
  EXPECT_GT(sum_shared, sum_alone);
}

TEST_F(GpuEngineTest, MeasuringAndLoadingStopWhenAsked) {
  engine().partition({});
  const auto model = load("gemm");
  std::stop_source stopped;
  stopped.request_stop();
  EXPECT_THROW((void)engine().measure(model, 8, 10, stopped.get_token()), EngineError);
  EXPECT_THROW((void)engine().load(test::open_gpu_package("gemm"), stopped.get_token()), EngineError);
}

TEST_F(GpuEngineTest, SlotsComeWhileOthersRun) {
  engine().partition({.contexts = 1, .streams_per_context = 2});
  const auto model = load("resnet18");
  const auto first = engine().create_slot(model, 0, {1});
  run(*model, {{first.get(), 0, 1}});
  const Bytes alone = output_of(*first);
  std::unique_ptr<Slot> second;
  std::jthread maker([&] { second = engine().create_slot(model, 0, {1}); });
  for (int i = 0; i < 200; ++i) {
    run(*model, {{first.get(), 0, 5}});
    ASSERT_EQ(output_of(*first), alone);
  }
  maker.join();
  run(*model, {{second.get(), 1, 1}});
  EXPECT_EQ(output_of(*second), alone);
}

TEST_F(GpuEngineTest, ABatchThatIsNotThereIsRefused) {
  engine().partition({});
  const auto model = load("gemm");
  try {
    (void)engine().create_slot(model, 0, {3});
    FAIL();
  } catch (const EngineError& error) {
    EXPECT_EQ(error.reason(), "UnknownBatch");
  }
}

TEST_F(GpuEngineTest, PackagesForAnotherGpuOrTorchAreRefusedUnopened) {
  const test::TemporaryFolder folder;
  test::PackageContent other = test::gpu_package_content("gemm");
  std::string reason;
  for (auto& build : other.manifest.at("builds")) build["version"] = "2.9.1+cu130";
  EXPECT_NE(refusal_of(test::open_written(other, folder), reason).find("2.9.1+cu130"), std::string::npos);
  EXPECT_EQ(reason, "WrongBuild");

  const test::TemporaryFolder second;
  test::PackageContent elsewhere = test::gpu_package_content("gemm");
  for (const char* list : {"builds", "artifacts", "weights"}) {
    for (auto& entry : elsewhere.manifest.at(list)) entry["arch"] = "sm_75";
  }
  EXPECT_NE(refusal_of(test::open_written(elsewhere, second), reason).find("sm_75"), std::string::npos);
  EXPECT_EQ(reason, "WrongBuild");
}

TEST_F(GpuEngineTest, ADamagedStageIsRefused) {
  const test::TemporaryFolder folder;
  test::PackageContent damaged = test::gpu_package_content("gemm");
  for (auto& [path, bytes] : damaged.files) {
    if (path.ends_with(".pt2")) bytes.resize(bytes.size() / 2);
  }
  damaged.seal();
  std::string reason;
  EXPECT_NE(refusal_of(test::open_written(damaged, folder), reason), "");
  EXPECT_EQ(reason, "InvalidArtifact");
}

TEST_F(GpuEngineTest, MemoryComesBackWithItsSlots) {
  engine().partition({});
  const auto model = load("resnet18");
  std::uint64_t first = 0;
  for (int i = 0; i < 5; ++i) {
    const auto slot = engine().create_slot(model, 0, {8});
    EXPECT_GT(slot->memory_bytes(), 0U);
    if (i <= 1) {
      first = slot->memory_bytes();  // the very first one finds less loaded
    } else {
      EXPECT_LE(slot->memory_bytes(), first + (first / 4)) << i;
    }
  }
}

// In a process of its own, since its GPU context is lost.
TEST(GpuFaultDeathTest, AStageThatFaultsEndsTheProcessWithAReport) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const auto fault = [] {
    const auto engine = open_engine(plugin_beside_program(), {});
    const auto model = engine->load(test::open_gpu_package("table"), {});
    const auto slot = engine->create_slot(model, 0, {1});
    const std::int64_t beyond = 1'000'000'000'000;
    std::memcpy(slot->input(0).data(), &beyond, sizeof beyond);
    (void)test::run_rides(*engine, 1, {{slot.get(), 0, 1000}});
  };
  EXPECT_EXIT(fault(), testing::ExitedWithCode(kLostStatus), "the GPU is lost");
}

}  // namespace
}  // namespace daris::engine::torch
