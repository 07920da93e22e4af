// Joining on the whole runtime below rpc/ and a real engine: where capacities come from, switching it on and
// off beside live tasks, and what each client gets.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <future>
#include <numeric>
#include <thread>

#include "desired_task.hpp"
#include "engine/onnx_packages.hpp"
#include "engine/openvino/openvino_engine.hpp"
#include "engine/stage_runner.hpp"
#include "runtime/runtime.hpp"

namespace daris::runtime {
namespace {

constexpr auto kPatience = std::chrono::seconds(120);
constexpr std::uint64_t kAmple = 64 << 20;
constexpr std::size_t kStages = 4;

class JoiningTest : public testing::Test {
 protected:
  JoiningTest() {
    test::write_folder(package_, root_.path() / "chain");
    desired_.policy.partition = {1, 1, 1};
    desired_.policy.scheduling.joining = true;
    desired_.policy.scheduling.mretAging = true;  // a stall of the machine is not held against tasks for ever
    desired_.models = {{package_.digest(), "file:///chain"}};
    start(kAmple);
  }

  void start(std::uint64_t slotMemoryBytes) {
    runtime_ = std::make_unique<Runtime>(*engine_, clock_,
                                         RuntimeOptions{.modelRoot = root_.path(),
                                                        .slotMemoryBytes = slotMemoryBytes,
                                                        .dispatcherCore = test::usable_core(),
                                                        .traceRecords = 1024,
                                                        .version = "test"});
  }

  /// Tasks whose releases come at the same instants.
  void want(std::size_t count, std::uint32_t batch = 1,
            sched::ReleaseMode mode = sched::ReleaseMode::Periodic) {
    for (std::size_t i = 0; i < count; ++i) {
      DesiredTask task = test::taskNamed(std::to_string(i));
      task.modelDigest = package_.digest();
      task.release = mode;
      task.batchSize = batch;
      task.periodUs = task.deadlineUs = 200'000;
      desired_.tasks.push_back(task);
    }
  }
  void wantOnRequest(std::size_t count) {
    want(count, 1, sched::ReleaseMode::OnRequest);
    for (DesiredTask& task : desired_.tasks) task.releaseJitterUs = kMaxTimeUs;  // no request is early
  }

  /// What a profile would know.
  void know(const std::vector<std::uint32_t>& sizes) {
    for (const std::uint32_t size : sizes)
      desired_.models[0].batches.push_back({size, std::vector<DurationUs>(kStages, 200 + 50 * size)});
  }

  void apply() {
    ++desired_.generation;
    runtime_->apply(desired_);
  }

  /// The observed state once it `holds`, or at last.
  template <typename Holds>
  ObservedState await(const char* what, Holds holds) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
      ObservedState state = runtime_->observe();
      const bool late = std::chrono::steady_clock::now() >= end;
      if (holds(state) || late) {
        EXPECT_FALSE(late) << what << ": " << wordsOf(state);
        return state;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  static std::string wordsOf(const ObservedState& state) {
    std::string words;
    for (const ObservedTask& task : state.tasks)
      words += task.uid + " " + task.reason + " " + task.message + "; ";
    return words;
  }
  void awaitServing() {
    await("serving", [](const ObservedState& state) {
      return std::ranges::all_of(state.tasks,
                                 [](const ObservedTask& task) { return task.phase == TaskPhase::Serving; });
    });
  }
  /// Until all tasks are counted with so many jobs together and have gone so, and units that fill a batch of
  /// `size` have ended.
  ObservedState awaitUnitsOf(std::uint32_t jobs, std::uint32_t size) {
    return await("units", [=](const ObservedState& state) {
      const bool together = std::ranges::all_of(state.tasks, [jobs](const ObservedTask& task) {
        return task.capacity == jobs && task.statistics.unitJobs() > task.statistics.startedJobs();
      });
      return together && timingOf(state, size).stageMretUs.size() == kStages;
    });
  }
  static const BatchTiming& timingOf(const ObservedState& state, std::uint32_t size) {
    return *std::ranges::find(state.models.at(0).batches, size, &BatchTiming::size);
  }

  /// A request whose inputs are those of this seed, and what became of it.
  struct Asked {
    RequestPtr request;
    std::future<Answer> answer;
  };
  Asked ask(const std::string& name, unsigned seed) {
    const ServedTask served = runtime_->serving(name + ".default");
    Asked asked{std::make_shared<Request>(), {}};
    asked.request->instance = served.instance;
    asked.request->memory = runtime_->jobMemory(served);
    const std::span<std::byte> input = asked.request->memory->input(0);
    std::vector<float> pixels(input.size() / sizeof(float));
    for (std::size_t i = 0; i < pixels.size(); ++i)
      pixels[i] = std::sin(static_cast<float>((i + seed) * (seed + 1)));
    std::memcpy(input.data(), pixels.data(), input.size());
    asked.request->clientDeadlineUs = kMaxTimeUs;
    auto told = std::make_shared<std::promise<Answer>>();
    asked.answer = told->get_future();
    asked.request->answer = [told](Request& ended) { told->set_value(ended.outcome.answer); };
    runtime_->submit(asked.request);
    return asked;
  }
  static std::vector<float> outputOf(const Request& request) {
    const std::span<const std::byte> output = request.memory->output(0);
    std::vector<float> scores(output.size() / sizeof(float));
    std::memcpy(scores.data(), output.data(), output.size());
    return scores;
  }

  const test::TemporaryFolder root_;
  const test::PackageContent package_ = test::chain_package({1, 2, 4});
  const SystemClock clock_;
  const std::unique_ptr<engine::Engine> engine_ = engine::openvino::make_engine({test::usable_core()});
  DesiredState desired_;
  std::unique_ptr<Runtime> runtime_;
};

TEST_F(JoiningTest, CapacitiesComeWithTheModel) {
  know({1, 2, 4});
  want(4);
  apply();
  const ObservedState state = awaitUnitsOf(4, 4);
  EXPECT_TRUE(timingOf(state, 4).stageAfetUs.empty()) << "nobody measured it here";
  for (const ObservedTask& task : state.tasks) EXPECT_EQ(task.afetUs, 4 * 250) << "by what one job takes";
}

TEST_F(JoiningTest, CapacitiesAreThoseThatAreKnown) {
  know({1, 2});
  want(4);
  apply();
  const ObservedState state = awaitUnitsOf(2, 2);
  EXPECT_TRUE(timingOf(state, 4).stageMretUs.empty());
}

TEST_F(JoiningTest, CapacitiesComeFromTheOwnMeasurement) {
  want(4);
  apply();
  awaitUnitsOf(4, 4);
}

TEST_F(JoiningTest, JobsOfABatchGoTogetherToo) {
  know({2, 4});
  want(2, 2);
  apply();
  const ObservedState state = awaitUnitsOf(2, 4);
  EXPECT_TRUE(timingOf(state, 1).stageMretUs.empty());
}

TEST_F(JoiningTest, CapacitiesThatAppearLaterAreTaken) {
  want(4);
  for (DesiredTask& task : desired_.tasks) task.stageAfetUs.assign(kStages, 300);
  apply();
  const ObservedState before = await(
      "jobs", [](const ObservedState& state) { return state.tasks[0].statistics.jobs().completed > 1; });
  for (const ObservedTask& task : before.tasks)
    EXPECT_EQ(task.statistics.unitJobs(), task.statistics.startedJobs());
  know({1, 2, 4});
  apply();
  awaitUnitsOf(4, 4);
}

TEST_F(JoiningTest, WhereMemoryDoesNotSufficeFewerGoTogetherAndThatIsSaid) {
  const std::uint64_t oneSlotOfTwo = 60'000;  // a batch element takes 27,688 bytes
  runtime_.reset();
  start(oneSlotOfTwo);
  know({1, 2, 4});
  want(4);
  apply();
  const ObservedState state = awaitUnitsOf(2, 2);
  EXPECT_TRUE(timingOf(state, 4).stageMretUs.empty());
  EXPECT_NE(state.tasks[0].message.find("at most 2 jobs go together, not 4: a slot takes"), std::string::npos)
      << state.tasks[0].message;
}

TEST_F(JoiningTest, ALoneJobWaitsForNobody) {
  know({1, 2, 4});
  wantOnRequest(4);
  apply();
  awaitServing();
  for (unsigned i = 0; i < 5; ++i) EXPECT_EQ(ask("0", i).answer.get(), Answer::Completed);
  const ObservedState state = await(
      "figures", [](const ObservedState& told) { return told.tasks[0].statistics.jobs().completed == 5; });
  EXPECT_EQ(state.tasks[0].statistics.startedJobs(), 5U);
  EXPECT_EQ(state.tasks[0].statistics.unitJobs(), 5U);
}

TEST_F(JoiningTest, SwitchedOnAndOffUnderLoadNoJobIsLostAndEachGetsItsOwnOutputs) {
  constexpr std::size_t kTasks = 6;
  constexpr unsigned kSeeds = 5;
  know({1, 2, 4});
  wantOnRequest(kTasks);
  for (DesiredTask& task : desired_.tasks) task.stageAfetUs.assign(kStages, 300);
  desired_.policy.scheduling.joining = false;
  apply();
  awaitServing();
  std::vector<std::vector<float>> expected;
  for (unsigned seed = 0; seed < kSeeds; ++seed) {
    Asked asked = ask("0", seed);
    ASSERT_EQ(asked.answer.get(), Answer::Completed);
    expected.push_back(outputOf(*asked.request));
  }

  std::atomic<std::uint64_t> completed{0};
  std::vector<std::jthread> clients;
  for (std::size_t i = 0; i < kTasks; ++i) {
    clients.emplace_back([&, i](std::stop_token stop) {
      for (unsigned round = 0; !stop.stop_requested(); ++round) {
        const unsigned seed = (round + static_cast<unsigned>(i)) % kSeeds;
        Asked asked = ask(std::to_string(i), seed);
        const Answer answer = asked.answer.get();
        if (answer == Answer::Rejected) continue;  // by admission, as anywhere
        ASSERT_EQ(answer, Answer::Completed) << explain(asked.request->outcome, "task");
        const std::vector<float> scores = outputOf(*asked.request);
        for (std::size_t at = 0; at < scores.size(); ++at) ASSERT_NEAR(scores[at], expected[seed][at], 1e-4);
        ++completed;
      }
    });
  }
  const auto unitsGrow = [&] {
    const auto sum = [](const ObservedState& state) {
      std::uint64_t together = 0;
      for (const ObservedTask& task : state.tasks)
        together += task.statistics.unitJobs() - task.statistics.startedJobs();
      return together;
    };
    const std::uint64_t before = sum(runtime_->observe());
    await("units", [&](const ObservedState& state) { return sum(state) > before + 20; });
  };
  const auto goAlone = [&] {
    await("alone", [](const ObservedState& state) {
      return std::ranges::all_of(state.tasks, [](const ObservedTask& task) { return task.capacity == 1; });
    });
    const std::uint64_t before = completed;
    await("jobs", [&](const ObservedState&) { return completed > before + 20; });
  };
  for (int i = 0; i < 3; ++i) {
    desired_.policy.scheduling.joining = true;
    apply();
    unitsGrow();
    desired_.policy.scheduling.joining = false;
    apply();
    goAlone();
  }
  for (std::jthread& client : clients) client.request_stop();
  clients.clear();
  const ObservedState state = await("quiet", [](const ObservedState& told) {
    return std::ranges::all_of(told.tasks, [](const ObservedTask& task) {
      const JobCounters& jobs = task.statistics.jobs();
      return jobs.admitted == jobs.completed;
    });
  });
  for (const ObservedTask& task : state.tasks) {
    const JobCounters& jobs = task.statistics.jobs();
    EXPECT_EQ(jobs.failed + jobs.dropped + jobs.withdrawn, 0U);
    EXPECT_EQ(jobs.released, jobs.admitted + jobs.rejected);
  }
  // All slots of all classes that were come back: else the device could not be divided anew.
  desired_.policy.partition = {1, 2, 1};
  apply();
  await("divided", [](const ObservedState& told) {
    return told.contexts.size() == 1 && told.contexts[0].streams == 2 &&
           told.tasks[0].phase == TaskPhase::Serving;
  });
}

}  // namespace
}  // namespace daris::runtime
