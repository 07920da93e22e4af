// When a worker dies its runtime ends, to be started anew; when the runtime dies no worker is left.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>

#include "engine/onnx_packages.hpp"
#include "engine/stage_runner.hpp"
#include "engine/torch/plugin.hpp"
#include "engine/workers/worker_engines.hpp"

namespace daris::engine::workers {
namespace {

constexpr auto kPatience = std::chrono::seconds(30);
constexpr std::uint32_t kWorkers = 3;

/// In a process of its own: runs jobs on three workers without end. `ready` is written to once all run.
[[noreturn]] void run_for_ever(int ready) {
  const test::TemporaryFolder root;
  const auto engine = make_engine(test::worker_terms(), {.contexts = kWorkers});
  const auto model = engine->load(test::open_content(test::simulated_chain(), root), {});
  std::vector<std::unique_ptr<Slot>> slots;
  std::vector<test::Ride> rides;
  for (std::uint32_t i = 0; i < kWorkers; ++i) {
    slots.push_back(engine->create_slot(model, i, {1}));
    rides.push_back({slots.back().get(), 0, 10});
  }
  std::filesystem::remove_all(root.path());  // this process ends by a signal
  for (bool told = false;; told = true) {
    (void)test::run_rides(*engine, 4, rides);
    if (!told && ::write(ready, "r", 1) != 1) std::_Exit(1);
  }
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  const std::filesystem::path tasks = "/proc/" + std::to_string(parent) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks)) {
    std::ifstream file(task.path() / "children");
    for (pid_t child = 0; file >> child;) children.push_back(child);
  }
  return children;
}

bool is_there(pid_t pid) {
  return ::kill(pid, 0) == 0;
}

bool all_end(const std::vector<pid_t>& pids) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::ranges::any_of(pids, is_there)) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::poll(nullptr, 0, 10);
  }
  return true;
}

class LossTest : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    runtime_ = ::fork();
    ASSERT_GE(runtime_, 0);
    if (runtime_ == 0) run_for_ever(ends[1]);
    ::close(ends[1]);
    const UniqueFd ready(ends[0]);
    char letter = 0;
    ASSERT_EQ(::read(ready.get(), &letter, 1), 1) << "it ended before it ran";
    workers_ = children_of(runtime_);
    ASSERT_EQ(workers_.size(), kWorkers);
  }
  void TearDown() override {
    if (runtime_ > 0) ::kill(runtime_, SIGKILL);
    if (runtime_ > 0) (void)status();
  }
  int status() {
    int status = 0;
    ::waitpid(std::exchange(runtime_, 0), &status, 0);
    return status;
  }

  pid_t runtime_ = 0;
  std::vector<pid_t> workers_;
};

TEST_F(LossTest, AWorkerThatIsKilledEndsTheRuntimeAndAllOthers) {
  ::kill(workers_[1], SIGKILL);
  const int ended = status();
  ASSERT_TRUE(WIFEXITED(ended));
  EXPECT_EQ(WEXITSTATUS(ended), torch::kLostStatus);
  EXPECT_TRUE(all_end(workers_));
}

TEST_F(LossTest, ARuntimeThatIsKilledLeavesNoWorker) {
  ::kill(runtime_, SIGKILL);
  EXPECT_TRUE(WIFSIGNALED(status()));
  EXPECT_TRUE(all_end(workers_));
}

// Also where the worker cannot run at the time: a stopped process is killed, too.
TEST_F(LossTest, ARuntimeThatIsKilledLeavesNoWorkerThatIsStopped) {
  for (const pid_t worker : workers_) ::kill(worker, SIGSTOP);
  ::kill(runtime_, SIGKILL);
  EXPECT_TRUE(WIFSIGNALED(status()));
  EXPECT_TRUE(all_end(workers_));
}

TEST(WorkersEnd, AnEngineThatEndsLeavesNoWorker) {
  std::vector<pid_t> workers;
  {
    const auto engine = make_engine(test::worker_terms(), {.contexts = kWorkers});
    workers = children_of(::getpid());
    EXPECT_EQ(workers.size(), kWorkers);
  }
  EXPECT_TRUE(children_of(::getpid()).empty());
  EXPECT_TRUE(all_end(workers));
}

}  // namespace
}  // namespace daris::engine::workers
