// Launching stages in workers and polling their ends allocates and frees nothing in the runtime.
#include <gtest/gtest.h>

#include <array>

#include "base/heap_changes.hpp"
#include "engine/onnx_packages.hpp"
#include "engine/workers/worker_engines.hpp"

namespace daris::engine::workers {
namespace {

constexpr std::uint32_t kContexts = 2;
constexpr int kLaunches = 2000;

TEST(WorkerAllocation, LaunchingAndPollingStagesAllocatesNothing) {
  const test::TemporaryFolder root;
  const auto engine = make_engine(test::worker_terms(), {.contexts = kContexts});
  const auto model = engine->load(test::open_content(test::simulated_chain(), root), {});
  std::vector<std::unique_ptr<Slot>> slots;
  for (std::uint32_t k = 0; k < kContexts; ++k) slots.push_back(engine->create_slot(model, k, {1}));
  std::array<Completion, 8> completions;
  const std::uint64_t before = test::heap_changes();
  EXPECT_GT(before, 0U);
  int launched = 0;
  int ended = 0;
  const auto launch = [&](std::uint32_t k) {
    ++launched;
    engine->launch({.slot = slots[k].get(), .stage = 0, .stream = 0, .tag = k});
  };
  for (std::uint32_t k = 0; k < kContexts; ++k) launch(k);
  while (ended < launched) {
    const std::size_t count = engine->poll(completions);
    for (std::size_t i = 0; i < count; ++i) {
      ++ended;
      if (launched < kLaunches) launch(completions[i].context);
    }
  }
  EXPECT_EQ(test::heap_changes() - before, 0U);
  EXPECT_EQ(ended, kLaunches);
}

}  // namespace
}  // namespace daris::engine::workers
