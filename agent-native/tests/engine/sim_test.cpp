// The engine that computes nothing: how long its stages last, what it refuses, and its GPU.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/onnx_packages.hpp"
#include "engine/sim/sim_engine.hpp"
#include "engine/sim/stage_time.hpp"
#include "engine/sim_packages.hpp"
#include "engine/stage_runner.hpp"

namespace daris::engine::sim {
namespace {

using nlohmann::json;
using test::PackageContent;

constexpr const char* kFirst = "sim/batch-1/stage-0.json";

std::string refusal_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const EngineError& error) {
    return error.reason() + ": " + error.what();
  }
  return "accepted";
}

class SimTest : public testing::Test {
 protected:
  std::shared_ptr<const LoadedModel> load(const PackageContent& content) {
    return engine_->load(test::open_content(content, root_), {});
  }
  Completion run_stage(Slot& slot, std::uint32_t stage = 0) {
    test::Completions waiter(*engine_);
    engine_->launch({.slot = &slot, .stage = stage, .stream = 0, .tag = 0});
    return waiter.wait().at(0);
  }

  test::TemporaryFolder root_;
  std::unique_ptr<Engine> engine_ =
      make_engine({.product = "What if", .sms = 100, .memory_bytes = 7 << 20}, {test::usable_core()});
};

TEST_F(SimTest, IsTheGpuThatItIsTold) {
  const Device& device = engine_->device();
  EXPECT_EQ(device.product, "What if");
  EXPECT_EQ(device.units, 100U);
  EXPECT_EQ(device.memory_bytes, std::uint64_t{7} << 20);
  EXPECT_EQ(device.engine, "sim");
  EXPECT_EQ(engine_->contexts().at(0).units, 100U);
  engine_->partition({.contexts = 8, .streams_per_context = 8, .oversubscription = 2});
  ASSERT_EQ(engine_->contexts().size(), 8U);
  EXPECT_EQ(engine_->contexts()[7].units, 26U);  // eq. 9: ceil_even(2 * 100 / 8)
  EXPECT_EQ(engine_->contexts()[7].streams, 8U);
}

TEST_F(SimTest, HasAsManyContextsAndStreamsAsTheRuntimeCanHave) {
  EXPECT_THROW(engine_->partition({.contexts = 4096, .streams_per_context = 1024, .oversubscription = 4096}),
               std::invalid_argument);
  engine_->partition({.contexts = 4096, .streams_per_context = 64, .oversubscription = 4096});
  const auto slot = engine_->create_slot(load(test::simulated_chain()), 4095, {1});
  test::Completions waiter(*engine_);
  engine_->launch({.slot = slot.get(), .stage = 0, .stream = 63, .tag = 5});
  EXPECT_EQ(waiter.wait().at(0).stream, 63U);
}

TEST_F(SimTest, AStageLastsAsLongAsItsArtifactSays) {
  auto content = test::simulated_chain();
  content.files[kFirst] = test::stage_time(20'000).dump();
  content.seal();
  const auto slot = engine_->create_slot(load(content), 0, {1});
  const auto before = std::chrono::steady_clock::now();
  const Completion first = run_stage(*slot, 0);
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::microseconds(20'000));
  EXPECT_NEAR(static_cast<double>(first.finished_us - first.started_us), 20'000, 1);
  const Completion second = run_stage(*slot, 1);
  EXPECT_NEAR(static_cast<double>(second.finished_us - second.started_us), 50, 1);
}

TEST_F(SimTest, AShortStageEndsBeforeALongOneThatWasLaunchedFirst) {
  auto content = test::simulated_chain();
  content.files[kFirst] = test::stage_time(200'000).dump();
  content.seal();
  engine_->partition({.contexts = 1, .streams_per_context = 2, .oversubscription = 1});
  const auto model = load(content);
  const auto patient = engine_->create_slot(model, 0, {1});
  const auto quick = engine_->create_slot(model, 0, {1});
  test::Completions waiter(*engine_);
  engine_->launch({.slot = patient.get(), .stage = 0, .stream = 0, .tag = 1});
  engine_->launch({.slot = quick.get(), .stage = 1, .stream = 1, .tag = 2});
  EXPECT_EQ(waiter.wait().at(0).tag, 2U);
  EXPECT_EQ(waiter.wait().at(0).tag, 1U);
}

TEST_F(SimTest, AfetIsTheMeanRoundedUpUnderAnyPartitioning) {
  auto content = test::simulated_chain();
  content.files[kFirst] = test::stage_time(20'000.25).dump();
  content.seal();
  const auto model = load(content);
  const std::vector<std::int64_t> expected{20'001, 50, 50, 50};
  EXPECT_EQ(engine_->measure(model, 1, 1000, {}), expected);
  engine_->partition({.contexts = 4, .streams_per_context = 4, .oversubscription = 1});
  EXPECT_EQ(engine_->measure(model, 1, 1000, {}), expected);
  EXPECT_EQ(refusal_of([&] { (void)engine_->measure(model, 3, 1, {}); }),
            "UnknownBatch: the package has no artifacts of batch size 3; there are: 1, 2");
}

TEST_F(SimTest, OutputsAreZerosOfTheRightSize) {
  const auto slot = engine_->create_slot(load(test::simulated_chain()), 0, {2});
  std::ranges::fill(slot->input(0), std::byte{1});
  for (std::uint32_t stage = 0; stage < 4; ++stage) EXPECT_EQ(run_stage(*slot, stage).error, nullptr);
  ASSERT_EQ(slot->output(0).size(), 2 * 10 * sizeof(float));
  EXPECT_TRUE(std::ranges::all_of(slot->output(0), [](std::byte b) { return b == std::byte{0}; }));
  EXPECT_EQ(slot->memory_bytes(), slot->input(0).size() + slot->output(0).size());
}

TEST_F(SimTest, APackageMayHoldOtherEnginesToo) {
  PackageContent content = test::chain_package();
  test::add_simulation(content, 2, test::stage_time(70));
  EXPECT_EQ(load(content)->batches(), (std::vector<std::uint32_t>{2}));
}

TEST(MakeEngine, RefusesCoresOfWhichItMayUseNone) {
  EXPECT_THROW((void)make_engine({}, {}), std::invalid_argument);
  EXPECT_THROW((void)make_engine({}, {100'000}), std::invalid_argument);
}

struct Moments {
  double mean;
  double deviation;
  double least;
  double most;
};

Moments moments_of(const StageTime& time) {
  constexpr int kDraws = 100'000;
  StageTimes times(time, 3);
  std::vector<double> drawn;
  for (int i = 0; i < kDraws; ++i) drawn.push_back(static_cast<double>(times.next_ns()) / 1000);
  const double mean = std::accumulate(drawn.begin(), drawn.end(), 0.0) / kDraws;
  double squares = 0;
  for (const double each : drawn) squares += (each - mean) * (each - mean);
  const auto [least, most] = std::ranges::minmax_element(drawn);
  return {mean, std::sqrt(squares / kDraws), *least, *most};
}

TEST(StageTimes, HaveTheMeanAndDeviationOfTheirArtifact) {
  for (const Distribution distribution : {Distribution::kUniform, Distribution::kLognormal}) {
    const Moments drawn = moments_of({400, 80, distribution, 1});
    EXPECT_NEAR(drawn.mean, 400, 2);
    EXPECT_NEAR(drawn.deviation, 80, 2);
    EXPECT_GT(drawn.least, 0);
  }
  const Moments uniform = moments_of({400, 80, Distribution::kUniform, 1});
  EXPECT_GE(uniform.least, 400 - 80 * std::sqrt(3) - 0.001);
  EXPECT_LE(uniform.most, 400 + 80 * std::sqrt(3));
  EXPECT_EQ(moments_of({400, 0, Distribution::kLognormal, 1}).deviation, 0);
}

TEST(StageTimes, DependOnSeedAndSeriesAlone) {
  const auto draw = [](std::uint64_t seed, std::uint64_t series) {
    StageTimes times({400, 80, Distribution::kUniform, seed}, series);
    return std::vector<std::int64_t>{times.next_ns(), times.next_ns(), times.next_ns()};
  };
  EXPECT_EQ(draw(1, 2), draw(1, 2));
  EXPECT_NE(draw(1, 2), draw(2, 2));
  EXPECT_NE(draw(1, 2), draw(1, 3));
}

struct Refusal {
  std::string name;
  std::function<std::string(json)> content;
  std::string says;
};

void PrintTo(const Refusal& refusal, std::ostream* out) {
  *out << refusal.name;
}

class ArtifactRefusals : public SimTest, public testing::WithParamInterface<Refusal> {};

TEST_P(ArtifactRefusals, NamesFileAndField) {
  PackageContent content = test::simulated_chain();
  content.files[kFirst] = GetParam().content(test::stage_time(50));
  content.seal();
  const std::string refusal = refusal_of([&] { (void)load(content); });
  EXPECT_TRUE(refusal.starts_with("InvalidArtifact: 'sim/batch-1/stage-0.json' (stage 'stage-0', batch 1) "))
      << refusal;
  EXPECT_NE(refusal.find(GetParam().says), std::string::npos) << refusal;
  EXPECT_EQ(refusal_of([&] { (void)load(test::simulated_chain()); }), "accepted");
}

std::function<std::string(json)> with(const char* field, json value) {
  return [=](json time) {
    time[field] = value;
    return time.dump();
  };
}

std::function<std::string(json)> text(std::string content) {
  return [=](const json&) { return content; };
}

const Refusal kRefusals[] = {
    {"NoJson", text("400us"), "not valid JSON"},
    {"Empty", text(""), "not valid JSON"},
    {"List", text("[]"), "the document is a list; expected an object"},
    {"Long", text("{" + std::string(5000, ' ') + "}"), "has more than 4096 bytes"},
    {"Deep", text(R"({"meanUs": {"a": {}}})"), "nested deeper than 1 levels"},
    {"Twice", text(R"({"meanUs": 1, "meanUs": 2})"), "field 'meanUs' occurs twice"},
    {"Unknown", with("medianUs", 3), "unknown field 'medianUs'"},
    {"Missing", text(R"({"formatVersion": 1, "meanUs": 1})"), "deviationUs is missing"},
    {"Version", with("formatVersion", 2), "formatVersion is 2; expected an integer from 1 to 1"},
    {"MeanWord", with("meanUs", "400us"), "meanUs is \"400us\"; expected a number from 1.0 to 60000000.0"},
    {"MeanZero", with("meanUs", 0), "meanUs is 0; expected"},
    {"MeanLong", with("meanUs", 6.1e7), "meanUs is 61000000.0; expected"},
    {"MeanHuge", text(R"({"formatVersion": 1, "meanUs": 1e999})"), "not valid JSON"},
    {"DeviationNegative", with("deviationUs", -1), "deviationUs is -1; expected a number from 0"},
    {"DeviationBeyondZero", with("deviationUs", 29), "deviationUs is 29; expected a number from 0.0 to 28.8"},
    {"Distribution", with("distribution", "normal"),
     "distribution is \"normal\"; expected uniform or lognormal"},
    {"Seed", with("seed", -1), "seed is -1; expected an integer from 0"},
};

INSTANTIATE_TEST_SUITE_P(Table, ArtifactRefusals, testing::ValuesIn(kRefusals),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace daris::engine::sim
