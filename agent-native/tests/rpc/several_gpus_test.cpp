// One supervisor with a runtime process for each of several GPUs: simulated ones, so that any machine has
// them.
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>

#include <csignal>
#include <fstream>
#include <set>

#include "rpc/runtime_process.hpp"
#include "runtime/supervisor.hpp"

namespace daris::test {
namespace {

constexpr auto kPatience = std::chrono::seconds(20);

/// Cores that this process may use, at most `most`.
std::vector<std::string> usableCores(std::size_t most) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  (void)::sched_getaffinity(0, sizeof allowed, &allowed);
  std::vector<std::string> cores;
  for (int core = 0; core < CPU_SETSIZE && cores.size() < most; ++core) {
    if (CPU_ISSET(core, &allowed)) cores.push_back(std::to_string(core));
  }
  return cores;
}

std::set<pid_t> childrenOf(pid_t parent) {
  const std::string task = std::to_string(parent);
  std::ifstream children("/proc/" + task + "/task/" + task + "/children");
  return {std::istream_iterator<pid_t>(children), {}};
}

template <typename Wanted>
bool comesTrue(const Wanted& wanted) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!wanted()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    ::poll(nullptr, 0, 10);
  }
  return true;
}

/// What a runtime says of itself; empty while it does not answer.
wire::InfoResponse infoAt(const std::string& socket) {
  grpc::ChannelArguments own;
  own.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto agent = wire::Runtime::NewStub(
      grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(), own));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(2));
  wire::InfoResponse response;
  const grpc::Status status = agent->Info(&context, {}, &response);
  return status.ok() ? response : wire::InfoResponse();
}

/// A supervisor of two simulated GPUs, both of which answer.
class SeveralGpus : public testing::Test {
 protected:
  void SetUp() override {
    const auto cores = usableCores(2);
    if (cores.size() < 2) GTEST_SKIP() << "needs two cores, one for each of two runtimes";
    process_ = std::make_unique<RuntimeProcess>(
        socket(0), folder_.path(),
        std::vector<std::string>{"--supervise", "--engine=sim", "--sim-gpus=2",
                                 "--cores=" + cores[0] + "," + cores[1]});
    for (int i = 0; i < 2; ++i) static_cast<void>(process_->readLine());
  }

  [[nodiscard]] std::string socket(int number) const {
    return folder_.path() / (number == 0 ? "runtime.sock" : "runtime-" + std::to_string(number) + ".sock");
  }
  [[nodiscard]] RuntimeProcess& process() { return *process_; }

  /// Of the runtime that serves this GPU's socket: the only child of the supervisor whose command line names
  /// it.
  [[nodiscard]] pid_t pidOf(const std::string& uuid) const {
    for (const pid_t child : childrenOf(process_->pid())) {
      std::ifstream file("/proc/" + std::to_string(child) + "/cmdline");
      const std::string words{std::istreambuf_iterator<char>(file), {}};
      if (words.find("--gpu=" + uuid + '\0') != std::string::npos) return child;
    }
    return -1;
  }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<RuntimeProcess> process_;
};

TEST_F(SeveralGpus, EachHasARuntimeOfItsOwnThatKnowsOfTheOthers) {
  for (int i = 0; i < 2; ++i) {
    const auto info = infoAt(socket(i));
    ASSERT_EQ(info.gpus_size(), 1);
    EXPECT_EQ(info.gpus(0).uuid(), "sim-" + std::to_string(i));
    ASSERT_EQ(info.node_gpus_size(), 2);
    EXPECT_EQ(info.node_gpus(0), "sim-0");
    EXPECT_EQ(info.node_gpus(1), "sim-1");
  }
  EXPECT_NE(infoAt(socket(0)).inference_address(), infoAt(socket(1)).inference_address());
  EXPECT_EQ(childrenOf(process().pid()).size(), 2U);
}

TEST_F(SeveralGpus, OneThatDiesStartsAnewAndTheOtherIsUndisturbed) {
  const auto before = infoAt(socket(0)).instance_id();
  const auto killed = infoAt(socket(1)).instance_id();
  const pid_t other = pidOf("sim-0");
  ASSERT_GT(pidOf("sim-1"), 0);
  ::kill(pidOf("sim-1"), SIGKILL);
  EXPECT_TRUE(comesTrue([&] {
    const auto now = infoAt(socket(1)).instance_id();
    return !now.empty() && now != killed;
  }));
  EXPECT_EQ(infoAt(socket(0)).instance_id(), before);
  EXPECT_EQ(pidOf("sim-0"), other);
}

TEST_F(SeveralGpus, OneThatIsEndedByOthersStartsAnewToo) {
  const pid_t ended = pidOf("sim-0");
  const pid_t other = pidOf("sim-1");
  ::kill(ended, SIGTERM);
  EXPECT_TRUE(comesTrue([&] { return pidOf("sim-0") > 0 && pidOf("sim-0") != ended; }));
  EXPECT_EQ(pidOf("sim-1"), other);
}

TEST_F(SeveralGpus, SigtermEndsAllCleanly) {
  process().signal(SIGTERM);
  EXPECT_EQ(process().wait(), 0);
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(std::filesystem::exists(socket(i)));
}

TEST_F(SeveralGpus, AllDieWithTheirSupervisor) {
  const auto children = childrenOf(process().pid());
  ASSERT_EQ(children.size(), 2U);
  process().signal(SIGKILL);
  EXPECT_EQ(process().wait(), 128 + SIGKILL);
  for (const pid_t child : children) EXPECT_TRUE(comesTrue([&] { return ::kill(child, 0) != 0; }));
}

ProcessEnd superviseWith(const std::vector<std::string>& more) {
  const TemporaryFolder folder;
  std::vector<std::string> arguments{"--supervise",  "--engine=sim",
                                     "--socket",     folder.path() / "runtime.sock",
                                     "--model-root", folder.path()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return runToEnd(arguments);
}

/// What the supervisor hears of a runtime that it starts: this process stands in its place.
TEST(Heartbeat, ComesFromARuntimeThatRunsAndFromNoneThatStandsStill) {
  sigset_t beats;
  sigemptyset(&beats);
  sigaddset(&beats, runtime::heartbeatSignal());
  ::sigprocmask(SIG_BLOCK, &beats, nullptr);
  const auto next = [&](std::time_t seconds) {
    siginfo_t told{};
    const timespec patience{seconds, 0};
    return ::sigtimedwait(&beats, &told, &patience) < 0 ? -1 : told.si_pid;
  };
  const TemporaryFolder folder;
  RuntimeProcess process(folder.path() / "runtime.sock", folder.path(), {"--engine=sim", "--heartbeat"});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(next(20), process.pid());
  process.signal(SIGSTOP);
  while (next(2) > 0) continue;  // what was said before
  EXPECT_EQ(next(2), -1);
  process.signal(SIGCONT);
  EXPECT_EQ(next(20), process.pid());
}

TEST(SeveralGpusFlags, FewerCoresThanGpusEndTheSupervisorInOneLine) {
  const ProcessEnd run = superviseWith({"--sim-gpus=4", "--cores=0,1"});
  EXPECT_EQ(run.status, 2);
  EXPECT_EQ(run.errors.rfind("daris-runtime: --cores: 2 are too few for 4 GPUs", 0), 0U) << run.errors;
}

TEST(SeveralGpusFlags, BadFlagsOfOneRuntimeEndAll) {
  const auto cores = usableCores(1);
  const ProcessEnd run = superviseWith({"--sim-gpus=2", "--cores=" + cores[0] + ",4095"});
  EXPECT_EQ(run.status, 2);
  EXPECT_NE(run.errors.find("--cores: none of them is one that this process may use"), std::string::npos)
      << run.errors;
}

TEST(SeveralGpusFlags, AGpuThatIsNamedIsServedAlone) {
  const TemporaryFolder folder;
  RuntimeProcess process(folder.path() / "runtime.sock", folder.path(),
                         {"--supervise", "--engine=sim", "--sim-gpus=4", "--gpu=sim-2"});
  static_cast<void>(process.readLine());
  const auto info = infoAt(folder.path() / "runtime.sock");
  ASSERT_EQ(info.gpus_size(), 1);
  EXPECT_EQ(info.gpus(0).uuid(), "sim-2");
  EXPECT_EQ(info.node_gpus_size(), 0);
  EXPECT_EQ(childrenOf(process.pid()).size(), 1U);
}

/// A driver that fails, of a machine that has one.
TEST(SeveralGpusFlags, WhereGpusCannotBeListedItIsTriedAgainAndSigtermEndsThat) {
  const TemporaryFolder folder;
  ::setenv("LD_LIBRARY_PATH", DARIS_RECORDED_CUDA_DIR, 1);
  ::setenv("DARIS_RECORDED_CUDA_ERROR", "802", 1);
  RuntimeProcess process(folder.path() / "runtime.sock", folder.path(), {"--supervise"});
  ::unsetenv("LD_LIBRARY_PATH");
  std::set<pid_t> seen;
  EXPECT_TRUE(comesTrue([&] {
    seen.merge(childrenOf(process.pid()));
    return seen.size() >= 3;
  }));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "runtime.sock"));
  process.signal(SIGTERM);
  EXPECT_EQ(process.wait(), 0);
}

TEST(SeveralGpusFlags, AGpuThatIsNotThereIsRefused) {
  const ProcessEnd run = superviseWith({"--sim-gpus=2", "--gpu=2", "--cores=" + usableCores(1)[0]});
  EXPECT_EQ(run.status, 2);
  EXPECT_NE(run.errors.find("--gpu: there is no such GPU among the 2 of --sim-gpus"), std::string::npos)
      << run.errors;
}

}  // namespace
}  // namespace daris::test
