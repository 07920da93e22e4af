// Running stages: what comes out, slots used again, many streams at once, and a stage that fails.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <openvino/runtime/core.hpp>
#include <openvino/runtime/properties.hpp>

#include "engine/onnx_packages.hpp"
#include "engine/openvino/openvino_engine.hpp"
#include "engine/stage_runner.hpp"

namespace daris::engine {
namespace {

constexpr float kTolerance = 1e-4F;
constexpr std::size_t kStages = 4;

std::vector<float> floats_of(std::span<const std::byte> bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

// Each seed gives other pixels.
void fill(std::span<std::byte> input, unsigned seed) {
  std::vector<float> pixels(input.size() / sizeof(float));
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = std::sin(static_cast<float>(i * (seed + 1)));
  std::memcpy(input.data(), pixels.data(), input.size());
}

// The whole model, by OpenVINO's own interface.
std::vector<float> run_whole(std::uint32_t batch, std::span<const std::byte> input) {
  ov::Core core;
  const auto model = core.read_model(test::onnx_file("whole-b" + std::to_string(batch)), ov::Tensor());
  auto request = core.compile_model(model, "CPU", ov::hint::inference_precision(ov::element::f32))
                     .create_infer_request();
  std::memcpy(request.get_input_tensor().data(), input.data(), input.size());
  request.infer();
  const ov::Tensor output = request.get_output_tensor();
  return floats_of({static_cast<const std::byte*>(output.data()), output.get_byte_size()});
}

void expect_near(const std::vector<float>& actual, const std::vector<float>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], kTolerance) << i;
}

class RunTest : public testing::Test {
 protected:
  std::shared_ptr<const LoadedModel> load(const test::PackageContent& content) {
    return engine_->load(test::open_content(content, root_), {});
  }
  void run(Slot& slot, std::uint32_t stream = 0, std::uint32_t form = 0) {
    const auto outcomes =
        test::run_rides(*engine_, kStages, {{.slot = &slot, .stream = stream, .rounds = 1, .form = form}});
    ASSERT_EQ(outcomes[0].rounds, 1U) << outcomes[0].error;
  }

  engine::Completion run_stage(Slot& slot) {
    test::Completions waiter(*engine_);
    engine_->launch({.slot = &slot, .stage = 0, .stream = 0, .tag = 0});
    return waiter.wait().at(0);
  }

  test::TemporaryFolder root_;
  std::unique_ptr<Engine> engine_ = openvino::make_engine({test::usable_core()});
};

TEST_F(RunTest, StagesGiveWhatTheWholeModelGives) {
  const auto model = load(test::chain_package());
  ASSERT_EQ(model->batches(), (std::vector<std::uint32_t>{1, 2}));
  for (const std::uint32_t batch : model->batches()) {
    const auto slot = engine_->create_slot(model, 0, {batch});
    ASSERT_EQ(slot->input(0).size(), std::size_t{batch} * 3 * 16 * 16 * 4);
    fill(slot->input(0), batch);
    run(*slot);
    const std::vector<float> expected = run_whole(batch, slot->input(0));
    EXPECT_GT(std::abs(expected[0]), 10 * kTolerance);
    expect_near(floats_of(slot->output(0)), expected);
  }
}

TEST_F(RunTest, EachFormOfASlotGivesWhatTheWholeModelGives) {
  const auto model = load(test::chain_package({1, 2, 4}));
  const auto slot = engine_->create_slot(model, 0, {1, 2, 4});
  ASSERT_EQ(slot->input(0).size(), std::size_t{4} * 3 * 16 * 16 * 4);
  fill(slot->input(0), 3);
  for (const std::uint32_t form : {2U, 0U, 1U, 2U}) {
    const std::uint32_t batch = slot->batches()[form];
    run(*slot, 0, form);
    const auto rows = slot->output(0).first(slot->output(0).size() / 4 * batch);
    expect_near(floats_of(rows), run_whole(batch, slot->input(0).first(slot->input(0).size() / 4 * batch)));
  }
}

TEST_F(RunTest, AnOpenBatchDimensionIsFixed) {
  test::PackageContent content = test::chain_package();
  content.files["openvino/batch-2/stage-0.onnx"] = test::onnx_file("chain-0-open");
  content.seal();
  const auto slot = engine_->create_slot(load(content), 0, {2});
  run(*slot);
  expect_near(floats_of(slot->output(0)), run_whole(2, slot->input(0)));
}

TEST_F(RunTest, ASlotUsedAgainGivesTheSameOutput) {
  const auto slot = engine_->create_slot(load(test::chain_package()), 0, {1});
  fill(slot->input(0), 1);
  run(*slot);
  const std::vector<float> first = floats_of(slot->output(0));
  fill(slot->input(0), 2);
  run(*slot);
  EXPECT_NE(floats_of(slot->output(0)), first);
  fill(slot->input(0), 1);
  run(*slot);
  EXPECT_EQ(floats_of(slot->output(0)), first);
}

TEST_F(RunTest, AJobMayChangeItsStreamBetweenStages) {
  engine_->partition({.contexts = 1, .streams_per_context = 2, .oversubscription = 1});
  const auto slot = engine_->create_slot(load(test::chain_package()), 0, {1});
  test::Completions waiter(*engine_);
  for (std::uint32_t stage = 0; stage < kStages; ++stage) {
    engine_->launch({.slot = slot.get(), .stage = stage, .stream = stage % 2, .tag = stage});
    const auto completions = waiter.wait();
    ASSERT_EQ(completions.size(), 1U);
    EXPECT_EQ(completions[0].slot, slot.get());
    EXPECT_EQ(completions[0].tag, stage);
    EXPECT_EQ(completions[0].stream, stage % 2);
    EXPECT_EQ(completions[0].error, nullptr);
    EXPECT_LE(completions[0].started_us, completions[0].finished_us);
  }
  expect_near(floats_of(slot->output(0)), run_whole(1, slot->input(0)));
}

TEST_F(RunTest, ContextsAndStreamsRunAtOnceWithoutMixing) {
  engine_->partition({.contexts = 3, .streams_per_context = 2, .oversubscription = 1});
  ASSERT_EQ(engine_->contexts().size(), 3U);
  EXPECT_EQ(engine_->contexts()[2].streams, 2U);
  const auto model = load(test::chain_package());
  std::vector<std::unique_ptr<Slot>> slots;
  std::vector<test::Ride> rides;
  for (std::uint32_t i = 0; i < 6; ++i) {
    slots.push_back(engine_->create_slot(model, i / 2, {1}));
    fill(slots.back()->input(0), i);
    rides.push_back({slots.back().get(), i % 2, 200});
  }
  for (const test::Outcome& outcome : test::run_rides(*engine_, kStages, rides)) {
    EXPECT_EQ(outcome.rounds, 200U) << outcome.error;
  }
  for (const auto& slot : slots) expect_near(floats_of(slot->output(0)), run_whole(1, slot->input(0)));
}

TEST_F(RunTest, AFailingStageFailsItsJobAlone) {
  engine_->partition({.contexts = 2, .streams_per_context = 1, .oversubscription = 1});
  const auto chain = load(test::chain_package());
  const auto fragile = load(test::fragile_package());
  const auto healthy = engine_->create_slot(chain, 0, {1});
  const auto failing = engine_->create_slot(fragile, 1, {1});
  const std::vector<std::int64_t> wrong{7, 0};
  std::memcpy(failing->input(1).data(), wrong.data(), failing->input(1).size());
  for (int i = 0; i < 3; ++i) {
    const engine::Completion completion = run_stage(*failing);
    ASSERT_NE(completion.error, nullptr);
    EXPECT_TRUE(std::string(completion.error).starts_with("stage 'only': ")) << completion.error;
    run(*healthy);
  }
  expect_near(floats_of(healthy->output(0)), run_whole(1, healthy->input(0)));
  // The slot that failed works again with an input that the model can stand.
  const std::vector<std::int64_t> right{1, 0};
  const std::vector<float> x{1, -2, 3, -4};
  std::memcpy(failing->input(1).data(), right.data(), failing->input(1).size());
  std::memcpy(failing->input(0).data(), x.data(), failing->input(0).size());
  EXPECT_EQ(run_stage(*failing).error, nullptr);
  EXPECT_EQ(floats_of(failing->output(0)), (std::vector<float>{1, -1, 2, -2}));
}

TEST_F(RunTest, ModelsOutliveAPartitioning) {
  const auto model = load(test::chain_package());
  for (const std::uint32_t contexts : {1U, 3U, 2U}) {
    engine_->partition({.contexts = contexts, .streams_per_context = 1, .oversubscription = 1});
    const auto slot = engine_->create_slot(model, contexts - 1, {1});
    run(*slot);
    expect_near(floats_of(slot->output(0)), run_whole(1, slot->input(0)));
  }
}

}  // namespace
}  // namespace daris::engine
