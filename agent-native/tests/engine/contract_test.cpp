// What engine.hpp asks of every engine; contract.hpp says which one this program holds to it.
#include "engine/contract.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <future>
#include <set>
#include <thread>

#include "engine/onnx_packages.hpp"
#include "engine/stage_runner.hpp"

namespace daris::engine {
namespace {

constexpr std::size_t kStages = 4;

class Contract : public testing::Test {
 protected:
  std::shared_ptr<const LoadedModel> load(const test::PackageContent& content = contract::chain()) {
    return engine_->load(test::open_content(content, root_), {});
  }
  void run(Slot& slot, std::uint32_t form = 0) {
    const auto outcomes =
        test::run_rides(*engine_, kStages, {{.slot = &slot, .stream = 0, .rounds = 1, .form = form}});
    ASSERT_EQ(outcomes[0].rounds, 1U) << outcomes[0].error;
  }
  /// A job whose inputs are those of this seed.
  std::shared_ptr<JobMemory> job_of(const LoadedModel& model, std::uint32_t batch, unsigned seed) {
    auto job = engine_->create_job_memory(model, batch);
    std::vector<float> values(job->input(0).size() / sizeof(float));
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = std::sin(static_cast<float>((i + seed) * (seed + 1)));
    std::memcpy(job->input(0).data(), values.data(), job->input(0).size());
    return job;
  }
  /// Runs the jobs as one unit, the i-th in place i.
  void run_unit(Slot& slot, std::uint32_t form, const std::vector<std::shared_ptr<JobMemory>>& jobs) {
    for (std::uint32_t place = 0; place < jobs.size(); ++place) slot.seat(place, *jobs[place], true);
    run(slot, form);
    for (std::uint32_t place = 0; place < jobs.size(); ++place) slot.collect(place, *jobs[place]);
    slot.vacate();
  }
  /// What a job of these inputs leaves, run in a slot of its batch alone.
  std::vector<float> outputs_alone(const std::shared_ptr<const LoadedModel>& model, std::uint32_t batch,
                                   unsigned seed) {
    const auto slot = engine_->create_slot(model, 0, {batch});
    const auto job = job_of(*model, batch, seed);
    run_unit(*slot, 0, {job});
    return outputs_of(*job);
  }
  static std::vector<float> outputs_of(JobMemory& job) {
    std::vector<float> values(job.output(0).size() / sizeof(float));
    std::memcpy(values.data(), job.output(0).data(), job.output(0).size());
    return values;
  }
  static void expect_near(const std::vector<float>& actual, const std::vector<float>& expected) {
    ASSERT_EQ(actual.size(), expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-3F) << i;
  }
  Completion run_stage(Slot& slot) {
    test::Completions waiter(*engine_);
    engine_->launch({.slot = &slot, .stage = 0, .stream = 0, .tag = 0});
    return waiter.wait().at(0);
  }
  std::string refusal_of(const std::function<void()>& work) {
    try {
      work();
    } catch (const EngineError& error) {
      return error.reason() + ": " + error.what();
    }
    return "accepted";
  }

  test::TemporaryFolder root_;
  std::unique_ptr<Engine> engine_ = contract::make_engine();
};

// What a listener does at a stage's end: launches the next at once, on the engine's own thread.
class Chain : private CompletionListener {
 public:
  Chain(Engine& engine, Slot& slot, std::uint32_t launches) : engine_(engine), slot_(slot), left_(launches) {
    engine_.listen(this);
  }
  ~Chain() { engine_.listen(nullptr); }
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  /// The threads that ended stages.
  std::set<std::thread::id> run() {
    launch(0);
    ended_.get_future().wait();
    return threads_;
  }

 private:
  void launch(std::uint32_t stage) {
    engine_.launch({.slot = &slot_, .stage = stage, .stream = 0, .tag = 0});
  }
  void completed() noexcept override {
    Completion completion;
    if (engine_.poll({&completion, 1}) == 0) return;
    threads_.insert(std::this_thread::get_id());
    if (--left_ == 0) return ended_.set_value();
    launch(completion.stage + 1 == kStages ? 0 : completion.stage + 1);
  }

  Engine& engine_;
  Slot& slot_;
  std::uint32_t left_;
  std::set<std::thread::id> threads_;
  std::promise<void> ended_;
};

TEST_F(Contract, AListenerMayLaunchFromTheThreadThatEndedTheStage) {
  if (engine_->polled()) GTEST_SKIP() << "tells no listener";
  const auto slot = engine_->create_slot(load(), 0, {1});
  const auto threads = Chain(*engine_, *slot, 400).run();
  EXPECT_EQ(threads.size(), 1U);
  EXPECT_FALSE(threads.contains(std::this_thread::get_id()));
}

TEST_F(Contract, NobodyIsInAListenerThatWasTakenAway) {
  const auto slot = engine_->create_slot(load(), 0, {1});
  for (int i = 0; i < 200; ++i) EXPECT_EQ(run_stage(*slot).error, nullptr);  // a listener each, destroyed
}

TEST_F(Contract, ANewSlotHoldsTheSampleForEachElement) {
  const auto content = contract::chain();
  const auto slot = engine_->create_slot(load(content), 0, {2});
  const std::string& sample = content.files.at(content.manifest["samples"][0]["file"]);
  const std::string held(reinterpret_cast<const char*>(slot->input(0).data()), slot->input(0).size());
  EXPECT_EQ(held, sample + sample);
}

TEST_F(Contract, ASlotOfSeveralBatchesHasTheBuffersOfTheLargest) {
  const auto model = load();
  const auto slot = engine_->create_slot(model, 0, {1, 2});
  EXPECT_EQ(std::vector(slot->batches().begin(), slot->batches().end()), (std::vector<std::uint32_t>{1, 2}));
  const auto large = engine_->create_slot(model, 0, {2});
  EXPECT_EQ(slot->input(0).size(), large->input(0).size());
  EXPECT_EQ(slot->output(0).size(), large->output(0).size());
}

TEST_F(Contract, EachFormGivesWhatASlotOfThatBatchGives) {
  const auto model = load();
  const auto slot = engine_->create_slot(model, 0, {1, 2});
  for (unsigned seed = 1; seed < 4; ++seed) {
    for (std::uint32_t form = 0; form < 2; ++form) {
      const std::uint32_t batch = slot->batches()[form];
      const auto job = job_of(*model, batch, seed);
      run_unit(*slot, form, {job});
      expect_near(outputs_of(*job), outputs_alone(model, batch, seed));
    }
  }
}

TEST_F(Contract, JobsThatGoTogetherKeepTheirRows) {
  const auto model = load();
  const auto slot = engine_->create_slot(model, 0, {1, 2});
  const auto first = job_of(*model, 1, 1), second = job_of(*model, 1, 2), third = job_of(*model, 1, 3);
  const std::vector<float> expected[] = {outputs_alone(model, 1, 1), outputs_alone(model, 1, 2),
                                         outputs_alone(model, 1, 3)};
  run_unit(*slot, 1, {first, second});
  expect_near(outputs_of(*first), expected[0]);
  expect_near(outputs_of(*second), expected[1]);
  run_unit(*slot, 1, {second, first});  // the other way round
  expect_near(outputs_of(*second), expected[1]);
  expect_near(outputs_of(*first), expected[0]);
  run_unit(*slot, 1, {third});  // the second place is nobody's
  expect_near(outputs_of(*third), expected[2]);
  run_unit(*slot, 0, {second});
  expect_near(outputs_of(*second), expected[1]);
}

TEST_F(Contract, OutputsThatNobodyWantsHarmNobody) {
  const auto model = load();
  const auto slot = engine_->create_slot(model, 0, {1, 2});
  const auto silent = job_of(*model, 1, 5), heard = job_of(*model, 1, 6);
  slot->seat(0, *silent, false);
  slot->seat(1, *heard, true);
  run(*slot, 1);
  slot->collect(1, *heard);
  slot->vacate();
  expect_near(outputs_of(*heard), outputs_alone(model, 1, 6));
}

TEST_F(Contract, EachJobHasMemoryOfItsOwn) {
  const auto model = load();
  std::set<std::uint64_t> ids;
  for (const std::uint32_t batch : {1U, 2U, 1U}) {
    const auto job = engine_->create_job_memory(*model, batch);
    EXPECT_EQ(job->input(0).size(), batch * model->manifest().inputs[0].element_bytes());
    EXPECT_EQ(job->output(0).size(), batch * model->manifest().outputs[0].element_bytes());
    EXPECT_NE(job->id(), 0U);
    ids.insert(job->id());
  }
  EXPECT_EQ(ids.size(), 3U);
}

TEST_F(Contract, EveryStreamCompletesItsOwnLaunches) {
  engine_->partition({.contexts = 3, .streams_per_context = 2, .oversubscription = 1});
  ASSERT_EQ(engine_->contexts().size(), 3U);
  EXPECT_EQ(engine_->contexts()[2].streams, 2U);
  const auto model = load();
  std::vector<std::unique_ptr<Slot>> slots;
  std::vector<test::Ride> rides;
  for (std::uint32_t i = 0; i < 6; ++i) {
    slots.push_back(engine_->create_slot(model, i / 2, {1}));
    rides.push_back({slots.back().get(), i % 2, 200});
  }
  for (const test::Outcome& outcome : test::run_rides(*engine_, kStages, rides)) {
    EXPECT_EQ(outcome.rounds, 200U) << outcome.error;
  }
}

TEST_F(Contract, ACompletionTellsWhatWasLaunched) {
  engine_->partition({.contexts = 2, .streams_per_context = 2, .oversubscription = 1});
  const auto slot = engine_->create_slot(load(), 1, {1});
  test::Completions waiter(*engine_);
  for (std::uint32_t stage = 0; stage < kStages; ++stage) {
    engine_->launch({.slot = slot.get(), .stage = stage, .stream = stage % 2, .tag = stage + 7});
    const auto completions = waiter.wait();
    ASSERT_EQ(completions.size(), 1U);
    EXPECT_EQ(completions[0].slot, slot.get());
    EXPECT_EQ(completions[0].tag, stage + 7);
    EXPECT_EQ(completions[0].context, 1U);
    EXPECT_EQ(completions[0].stage, stage);
    EXPECT_EQ(completions[0].stream, stage % 2);
    EXPECT_LE(completions[0].started_us, completions[0].finished_us);
  }
}

TEST_F(Contract, ModelsOutliveAPartitioning) {
  const auto model = load();
  for (const std::uint32_t contexts : {1U, 3U, 2U}) {
    engine_->partition({.contexts = contexts, .streams_per_context = 1, .oversubscription = 1});
    run(*engine_->create_slot(model, contexts - 1, {1}));
  }
}

TEST_F(Contract, APartitioningThatCannotBeLeavesTheFormer) {
  engine_->partition({.contexts = 2, .streams_per_context = 1, .oversubscription = 1});
  EXPECT_THROW(engine_->partition({.contexts = 2, .streams_per_context = 1, .oversubscription = 3}),
               std::invalid_argument);
  EXPECT_EQ(engine_->contexts().size(), 2U);
  const auto slot = engine_->create_slot(load(), 1, {1});
  run(*slot);
}

TEST_F(Contract, MeasuresEachStage) {
  const auto model = load();
  for (const std::uint32_t batch : model->batches()) {
    const std::vector<std::int64_t> afet_us = engine_->measure(model, batch, 10, {});
    ASSERT_EQ(afet_us.size(), 4U);
    for (const std::int64_t us : afet_us) EXPECT_GT(us, 0);
  }
}

TEST_F(Contract, UnknownBatchNamesThoseThatThereAre) {
  const auto model = load();
  for (const std::vector<std::uint32_t>& batches : {std::vector<std::uint32_t>{4}, {1, 4}}) {
    EXPECT_EQ(refusal_of([&] { (void)engine_->create_slot(model, 0, batches); }),
              "UnknownBatch: the package has no artifacts of batch size 4; there are: 1, 2");
  }
}

TEST_F(Contract, APackageWithoutItsArtifactsIsRefused) {
  auto content = contract::chain();
  for (auto& artifact : content.manifest["artifacts"]) artifact["engine"] = "another";
  for (const auto& weights : content.manifest.value("weights", nlohmann::json::array()))
    content.files.erase(weights.at("file").get<std::string>());
  for (const char* list : {"builds", "weights"})
    content.manifest.erase(list);  // of what is not there any more
  content.seal();
  EXPECT_EQ(refusal_of([&] { (void)load(content); }),
            "NoArtifacts: model.json lists no artifacts of engine '" + engine_->device().engine +
                "'; package the model for it");
}

TEST_F(Contract, CanBeCancelled) {
  std::stop_source stop;
  stop.request_stop();
  const model::Package package = test::open_content(contract::chain(), root_);
  EXPECT_TRUE(refusal_of([&] { (void)engine_->load(package, stop.get_token()); }).starts_with("Cancelled"));
  const auto model = load();
  EXPECT_TRUE(
      refusal_of([&] { (void)engine_->measure(model, 1, 10, stop.get_token()); }).starts_with("Cancelled"));
}

TEST_F(Contract, AFileThatChangedSinceItWasOpenedIsRefused) {
  const auto content = contract::chain();
  const model::Package package = test::open_content(content, root_);
  const std::string file = content.manifest["artifacts"][0]["file"];
  test::write_file(root_.path() / "chain" / file, std::string(content.files.at(file).size(), 'x'));
  EXPECT_THROW((void)engine_->load(package, {}), model::PackageError);
}

}  // namespace
}  // namespace daris::engine
