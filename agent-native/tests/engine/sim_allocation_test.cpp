// Launching stages, ending and polling them allocates and frees nothing, whoever launches.
#include <gtest/gtest.h>

#include <array>
#include <future>

#include "base/heap_changes.hpp"
#include "engine/onnx_packages.hpp"
#include "engine/sim/sim_engine.hpp"
#include "engine/sim_packages.hpp"
#include "engine/stage_runner.hpp"

namespace daris::engine::sim {
namespace {

constexpr std::uint32_t kStreams = 8;
constexpr int kStages = 4000;

/// Keeps all streams busy from the engine's own thread, and says what that allocated.
class Traffic : private CompletionListener {
 public:
  Traffic(Engine& engine, const std::vector<std::unique_ptr<Slot>>& slots) : engine_(engine), slots_(slots) {
    engine_.listen(this);
  }
  ~Traffic() { engine_.listen(nullptr); }
  Traffic(const Traffic&) = delete;
  Traffic& operator=(const Traffic&) = delete;

  std::uint64_t run() {
    before_ = test::heap_changes();
    launch(0);  // whose end launches on the others: one thread at a time
    return ended_.get_future().get();
  }

 private:
  void launch(std::uint32_t stream) {
    if (launched_ == kStages) return;
    ++launched_;
    engine_.launch({.slot = slots_[stream].get(), .stage = 0, .stream = stream, .tag = stream});
  }
  void completed() noexcept override {
    std::array<Completion, kStreams> completions;
    const std::size_t count = engine_.poll(completions);
    const bool first = ended_stages_ == 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (++ended_stages_ == kStages) return ended_.set_value(test::heap_changes() - before_);
      launch(completions[i].stream);
    }
    for (std::uint32_t stream = 1; first && stream < kStreams; ++stream) launch(stream);
  }

  Engine& engine_;
  const std::vector<std::unique_ptr<Slot>>& slots_;
  std::uint64_t before_ = 0;
  int launched_ = 0;
  int ended_stages_ = 0;
  std::promise<std::uint64_t> ended_;
};

TEST(SimAllocation, LaunchingAndEndingStagesAllocatesNothing) {
  const test::TemporaryFolder root;
  auto content = test::simulated_chain();
  auto time = test::stage_time(30);
  time["deviationUs"] = 15;
  time["distribution"] = "lognormal";
  content.files["sim/batch-1/stage-0.json"] = time.dump();
  content.seal();
  const auto engine = make_engine({}, {test::usable_core()});
  engine->partition({.contexts = 1, .streams_per_context = kStreams, .oversubscription = 1});
  const auto model = engine->load(test::open_content(content, root), {});
  std::vector<std::unique_ptr<Slot>> slots;
  for (std::uint32_t i = 0; i < kStreams; ++i) slots.push_back(engine->create_slot(model, 0, {1}));
  EXPECT_GT(test::heap_changes(), 0U);
  EXPECT_EQ(Traffic(*engine, slots).run(), 0U);
}

TEST(SimAllocation, SeatingAndCollectingJobsAllocatesNothing) {
  const test::TemporaryFolder root;
  const auto engine = make_engine({}, {test::usable_core()});
  const auto model = engine->load(test::open_content(test::simulated_chain(), root), {});
  const auto slot = engine->create_slot(model, 0, {1, 2});
  const std::array<std::shared_ptr<JobMemory>, 2> jobs{engine->create_job_memory(*model, 1),
                                                       engine->create_job_memory(*model, 1)};
  const std::uint64_t before = test::heap_changes();
  EXPECT_GT(before, 0U);
  for (std::uint32_t unit = 0; unit < 100; ++unit) {
    for (std::uint32_t place = 0; place < 2; ++place) slot->seat(place, *jobs[(place + unit) % 2], true);
    for (std::uint32_t place = 0; place < 2; ++place) slot->collect(place, *jobs[(place + unit) % 2]);
    slot->vacate();
  }
  EXPECT_EQ(test::heap_changes() - before, 0U);
}

}  // namespace
}  // namespace daris::engine::sim
