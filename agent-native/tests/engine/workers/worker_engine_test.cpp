// What an engine of worker processes adds to the contract: many workers, errors and packages across
// processes.
#include "engine/workers/worker_engine.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "engine/onnx_packages.hpp"
#include "engine/stage_runner.hpp"
#include "engine/workers/worker_engines.hpp"

namespace daris::engine::workers {
namespace {

constexpr std::size_t kStages = 4;

class WorkerEngineTest : public testing::Test {
 protected:
  static std::string refusal_of(const std::function<void()>& work) {
    try {
      work();
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "accepted";
  }

  test::TemporaryFolder root_;
};

TEST_F(WorkerEngineTest, EightWorkersRunAtOnce) {
  const auto engine =
      make_engine(test::worker_terms(), {.contexts = 8, .streams_per_context = 2, .oversubscription = 2});
  ASSERT_EQ(engine->contexts().size(), 8U);
  EXPECT_EQ(engine->contexts()[7].units, 34U);  // eq. 9: 2 * 132 / 8 = 33, rounded up to an even number
  const auto model = engine->load(test::open_content(test::simulated_chain(), root_), {});
  std::vector<std::unique_ptr<Slot>> slots;
  std::vector<test::Ride> rides;
  for (std::uint32_t i = 0; i < 16; ++i) {
    slots.push_back(engine->create_slot(model, i / 2, {1}));
    rides.push_back({slots.back().get(), i % 2, 50});
  }
  for (const test::Outcome& outcome : test::run_rides(*engine, kStages, rides))
    EXPECT_EQ(outcome.rounds, 50U) << outcome.error;
}

TEST_F(WorkerEngineTest, ASlotIsDestroyedWhileOthersRunOn) {
  const auto engine = make_engine(test::worker_terms(), {.contexts = 1, .streams_per_context = 2});
  const auto model = engine->load(test::open_content(test::simulated_chain(), root_), {});
  const auto stays = engine->create_slot(model, 0, {1});
  for (int i = 0; i < 20; ++i) {
    const auto goes = engine->create_slot(model, 0, {1});
    const auto outcomes = test::run_rides(*engine, kStages, {{goes.get(), 0}, {stays.get(), 1}});
    EXPECT_EQ(outcomes[0].rounds + outcomes[1].rounds, 2U);
  }
}

// The worker sleeps between the stages: each must wake it.
TEST_F(WorkerEngineTest, AWorkerThatSleepsIsWoken) {
  const auto engine = make_engine(test::worker_terms(), {});
  const auto slot =
      engine->create_slot(engine->load(test::open_content(test::simulated_chain(1), root_), {}), 0, {1});
  for (int i = 0; i < 200; ++i) {
    const auto outcome = test::run_rides(*engine, kStages, {{slot.get(), 0}})[0];
    ASSERT_EQ(outcome.rounds, 1U) << outcome.error;
    if (i % 10 == 0) ::usleep(1000);  // far beyond the time that it lingers
  }
}

TEST_F(WorkerEngineTest, AFailedStageTellsWhyAndHarmsNobody) {
  const auto engine = make_engine(test::worker_terms("openvino"), {});
  const auto model = engine->load(test::open_content(test::fragile_package(), root_), {});
  const auto slot = engine->create_slot(model, 0, {1});
  const std::vector<std::int64_t> wrong{7, 0};
  const std::vector<std::int64_t> right{1, 0};
  std::memcpy(slot->input(1).data(), wrong.data(), slot->input(1).size());
  const auto failed = test::run_rides(*engine, 1, {{slot.get(), 0}})[0];
  EXPECT_TRUE(failed.error.starts_with("stage 'only': ")) << failed.error;
  std::memcpy(slot->input(1).data(), right.data(), slot->input(1).size());
  EXPECT_EQ(test::run_rides(*engine, 1, {{slot.get(), 0}})[0].rounds, 1U);
}

TEST_F(WorkerEngineTest, APackageThatIsGoneIsRefusedByEveryWorkerAndLeavesNothing) {
  const auto engine = make_engine(test::worker_terms(), {.contexts = 2});
  const auto content = test::simulated_chain();
  const model::Package package = test::open_content(content, root_);
  const std::filesystem::path file =
      root_.path() / "chain" / std::string(content.manifest["artifacts"][0]["file"]);
  std::filesystem::remove(file);
  EXPECT_THROW((void)engine->load(package, {}), model::PackageError);
  test::write_file(file, content.files.at(content.manifest["artifacts"][0]["file"]));
  const auto slot = engine->create_slot(engine->load(package, {}), 1, {1});
  EXPECT_EQ(test::run_rides(*engine, kStages, {{slot.get(), 0}})[0].rounds, 1U);
}

TEST_F(WorkerEngineTest, WorkersThatCannotBeHadAreSaidToBeSo) {
  WorkerTerms terms = test::worker_terms();
  const auto command = terms.command;
  terms.command = [](std::uint32_t, std::uint32_t) {
    return Command{.arguments = {"/nowhere/daris-worker"}, .environment = {}};
  };
  EXPECT_EQ(refusal_of([&] { (void)make_engine(terms, {}); }),
            "processes for 1 contexts cannot be had: /nowhere/daris-worker: No such file or directory");
  terms.command = [command](std::uint32_t units, std::uint32_t streams) {
    Command made = command(units, streams);
    made.arguments[1] = "--engine=fire";
    return made;
  };
  EXPECT_EQ(refusal_of([&] { (void)make_engine(terms, {}); }),
            "processes for 1 contexts cannot be had: no engine is called fire");
  terms.command = [](std::uint32_t, std::uint32_t) {
    return Command{.arguments = {"/bin/false"}, .environment = {}};
  };
  EXPECT_EQ(refusal_of([&] { (void)make_engine(terms, {}); }),
            "processes for 1 contexts cannot be had: the process of context 0 ended with status 1");
  EXPECT_NE(refusal_of([] {
              (void)make_engine(test::worker_terms(), {.streams_per_context = 2000});
            }).find("at most 1024"),
            std::string::npos);
}

}  // namespace
}  // namespace daris::engine::workers
