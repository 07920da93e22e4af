// Models go from this process to workers and back, and compute the same wherever they are.
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/onnx_packages.hpp"
#include "engine/stage_runner.hpp"
#include "engine/workers/worker_engines.hpp"

namespace daris::engine::workers {
namespace {

constexpr std::size_t kStages = 4;
constexpr Partitioning kHere{.contexts = 2, .streams_per_context = 1};
constexpr Partitioning kApart{.contexts = 2, .streams_per_context = 1, .mode = PartitionMode::MpsStreams};

class HandoverTest : public testing::Test {
 protected:
  std::vector<std::byte> output(const std::shared_ptr<const LoadedModel>& model, std::uint32_t context) {
    const auto slot = engine_->create_slot(model, context, {2});
    std::uint8_t value = 1;
    for (std::byte& byte : slot->input(0)) byte = std::byte{static_cast<std::uint8_t>(value++ % 64)};
    const auto outcome = test::run_rides(*engine_, kStages, {{slot.get(), 0, 3}})[0];
    EXPECT_EQ(outcome.rounds, 3U) << outcome.error;
    const auto bytes = slot->output(0);
    return {bytes.begin(), bytes.end()};
  }

  test::TemporaryFolder root_;
  std::unique_ptr<Engine> engine_ = test::handover_engine("openvino");
};

TEST_F(HandoverTest, OutputsAreTheSameBitByBitHereAndThere) {
  const auto first = engine_->load(test::open_content(test::chain_package(), root_), {});
  const auto here = output(first, 0);
  EXPECT_TRUE(std::ranges::any_of(here, [](std::byte byte) { return byte != std::byte{0}; }));
  engine_->partition(kApart);
  const auto second = engine_->load(test::open_content(test::chain_package(), root_), {});
  for (const auto& model : {first, second}) {
    for (const std::uint32_t context : {0U, 1U}) EXPECT_EQ(output(model, context), here);
  }
  engine_->partition(kHere);
  for (const auto& model : {first, second}) EXPECT_EQ(output(model, 1), here);
}

TEST_F(HandoverTest, AModelMayBeLetGoOfAnywhere) {
  auto model = engine_->load(test::open_content(test::chain_package(), root_), {});
  engine_->partition(kApart);
  model.reset();
  engine_->partition(kHere);
  EXPECT_EQ(engine_->contexts().size(), 2U);
}

// Its folder is gone, and what was opened then holds no file any more.
TEST_F(HandoverTest, AModelThatCannotBeHandedOverLeavesTheFormerPartitioning) {
  const auto model = engine_->load(test::open_content(test::chain_package(), root_), {});
  engine_->partition(kHere);
  const auto here = output(model, 1);
  std::filesystem::remove_all(root_.path() / "chain");
  try {
    engine_->partition(kApart);
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("cannot be handed over"), std::string::npos) << error.what();
  }
  EXPECT_EQ(engine_->contexts().size(), 2U);
  EXPECT_EQ(engine_->contexts()[1].streams, 1U);
  EXPECT_EQ(output(model, 1), here);
}

}  // namespace
}  // namespace daris::engine::workers
