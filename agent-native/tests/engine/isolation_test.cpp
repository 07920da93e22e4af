// What keeps streams from hurting each other: inference stays in its stream's thread, streams share no
// lock, and loading runs in the background. Read from the kernel's own accounts, since times are noise
// on a shared machine.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>

#include "engine/onnx_packages.hpp"
#include "engine/openvino/background.hpp"
#include "engine/openvino/openvino_engine.hpp"
#include "engine/stage_runner.hpp"

namespace daris::engine {
namespace {

constexpr std::size_t kStages = 4;

struct ThreadAccount {
  std::uint64_t cpu_ns = 0;
  std::uint64_t waits = 0;  // voluntary context switches
  int policy = -1;
};

// By thread name; threads of one name are added up.
std::map<std::string, ThreadAccount> thread_accounts() {
  std::map<std::string, ThreadAccount> accounts;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm"), name);
    ThreadAccount& account = accounts[name];
    std::uint64_t cpu_ns = 0;
    std::ifstream(task.path() / "schedstat") >> cpu_ns;
    account.cpu_ns += cpu_ns;
    account.policy = ::sched_getscheduler(std::stoi(task.path().filename()));
    std::ifstream status(task.path() / "status");
    for (std::string line; std::getline(status, line);) {
      constexpr std::string_view kKey = "voluntary_ctxt_switches:";
      if (line.starts_with(kKey)) account.waits += std::stoull(line.substr(kKey.size()));
    }
  }
  return accounts;
}

class IsolationTest : public testing::Test {
 protected:
  void SetUp() override {
    engine_->partition({.contexts = 2, .streams_per_context = 1, .oversubscription = 1});
    model_ = engine_->load(test::open_content(test::chain_package(), root_), {});
    for (const std::uint32_t context : {0U, 1U}) slots_.push_back(engine_->create_slot(model_, context, {2}));
  }
  void run(std::uint32_t rounds) {
    const auto outcomes =
        test::run_rides(*engine_, kStages, {{slots_[0].get(), 0, rounds}, {slots_[1].get(), 0, rounds}});
    for (const test::Outcome& outcome : outcomes) ASSERT_EQ(outcome.rounds, rounds) << outcome.error;
  }

  test::TemporaryFolder root_;
  std::unique_ptr<Engine> engine_ = openvino::make_engine({test::usable_core()});
  std::shared_ptr<const LoadedModel> model_;
  std::vector<std::unique_ptr<Slot>> slots_;
};

TEST_F(IsolationTest, InferenceStaysInTheThreadOfItsStream) {
  run(10);
  const auto before = thread_accounts();
  run(500);
  const auto after = thread_accounts();
  std::uint64_t streams_ns = 0;
  std::uint64_t others_ns = 0;
  for (const auto& [name, account] : after) {
    const auto former = before.find(name);
    const std::uint64_t spent = account.cpu_ns - (former == before.end() ? 0 : former->second.cpu_ns);
    const bool is_dispatcher = name == "engine_test";
    if (name.starts_with("stream-")) {
      streams_ns += spent;
    } else if (!is_dispatcher) {
      others_ns += spent;
    }
  }
  EXPECT_GT(streams_ns, 0U);
  EXPECT_LT(others_ns, streams_ns / 100);
}

TEST_F(IsolationTest, StreamsOfOneModelShareNoLock) {
  run(10);
  const auto before = thread_accounts();
  constexpr std::uint32_t kRounds = 500;
  run(kRounds);
  const auto after = thread_accounts();
  for (const std::string name : {"stream-0.0", "stream-1.0"}) {
    // A stream waits once a stage, for its next launch. A lock that another stream holds
    // would make it wait again.
    EXPECT_LE(after.at(name).waits - before.at(name).waits, kRounds * kStages * 11 / 10) << name;
    EXPECT_EQ(after.at(name).policy, SCHED_OTHER);
  }
}

TEST(RunInBackground, HasTheLowestPriorityAndPassesOnWhatIsThrown) {
  const auto niceness = [] { return ::getpriority(PRIO_PROCESS, 0); };
  const int own = niceness();
  EXPECT_EQ(openvino::run_in_background([] { return ::sched_getscheduler(0); }), SCHED_BATCH);
  EXPECT_EQ(openvino::run_in_background(niceness), 19);
  EXPECT_EQ(niceness(), own);
  EXPECT_THROW(openvino::run_in_background([] { throw std::runtime_error("why"); }), std::runtime_error);
}

}  // namespace
}  // namespace daris::engine
