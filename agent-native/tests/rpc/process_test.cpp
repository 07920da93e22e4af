// The process itself: flags, socket, signals, supervision.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "engine/stage_runner.hpp"
#include "rpc/runtime_process.hpp"

namespace daris::test {
namespace {

/// The one child of a process. Throws when there is none for 10 s.
pid_t childOf(pid_t parent) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  const std::string task = std::to_string(parent);
  while (std::chrono::steady_clock::now() < deadline) {
    std::ifstream children("/proc/" + task + "/task/" + task + "/children");
    pid_t child = 0;
    if (children >> child) return child;
    ::poll(nullptr, 0, 10);
  }
  throw std::runtime_error("no child");
}

bool endsWithin(pid_t pid, std::chrono::seconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < deadline) {
    if (::kill(pid, 0) != 0) return true;
    ::poll(nullptr, 0, 10);
  }
  return false;
}

TEST(Process, BadFlagsExitWith2AndOneLine) {
  const ProcessEnd run = runToEnd({"--cores", "none"});
  EXPECT_EQ(run.status, 2);
  EXPECT_EQ(run.errors,
            "daris-runtime: --cores: 'none' is not accepted, expected all, or core numbers such as 0,1 or "
            "0-3, each "
            "once\n");
}

TEST(Process, CoresThatItMayNotUseEndTheSupervisorTooInsteadOfARestartForEver) {
  const TemporaryFolder folder;
  const ProcessEnd run = runToEnd({"--supervise", "--socket", folder.path() / "runtime.sock", "--model-root",
                                   folder.path(), "--cores", "4095"});
  EXPECT_EQ(run.status, 2);
  EXPECT_NE(run.errors.find("daris-runtime: --cores: core 4095 is not one that this process may use"),
            std::string::npos)
      << run.errors;
}

TEST(Process, SigtermEndsItCleanlyAndRemovesTheSocket) {
  Bed bed;
  auto desired = bed.desired(1);
  addTask(desired, "a", bed.chainDigest());
  bed.serve(desired);
  const auto start = std::chrono::steady_clock::now();
  bed.process().signal(SIGTERM);
  EXPECT_EQ(bed.process().wait(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  EXPECT_FALSE(std::filesystem::exists(bed.socket()));
}

TEST(Process, TheSocketIsForItsUserAlone) {
  Bed bed;
  struct stat found {};
  ASSERT_EQ(::stat(bed.socket().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
}

TEST(Process, ASecondRuntimeOnTheSocketIsRefusedAndTheFirstServesOn) {
  Bed bed;
  const ProcessEnd second = runToEnd(
      {"--socket", bed.socket(), "--model-root", bed.modelRoot(), "--cores", std::to_string(usable_core())});
  EXPECT_EQ(second.status, 1);
  EXPECT_NE(second.errors.find("is served by another runtime"), std::string::npos) << second.errors;
  EXPECT_EQ(bed.info().gpus(0).uuid(), "cpu-0");
}

TEST(Process, AKilledRuntimeLeavesNothingThatBlocksTheNext) {
  Bed bed;
  const std::string before = bed.info().instance_id();
  bed.process().signal(SIGKILL);
  EXPECT_EQ(bed.process().wait(), 128 + SIGKILL);
  EXPECT_TRUE(std::filesystem::exists(bed.socket()));
  RuntimeProcess next(bed.socket(), bed.modelRoot());
  EXPECT_EQ(next.readLine().rfind("daris-runtime listening on 127.0.0.1:", 0), 0U);
}

TEST(Process, TheSupervisorRestartsAKilledWorker) {
  Bed bed({"--supervise"});
  const std::string before = bed.info().instance_id();
  const pid_t worker = childOf(bed.process().pid());
  ::kill(worker, SIGKILL);
  bed.connect();
  const auto info = bed.info();
  EXPECT_NE(info.instance_id(), before);
  auto desired = bed.desired(1);
  addTask(desired, "a", bed.chainDigest());
  bed.serve(desired);
  bed.process().signal(SIGTERM);
  EXPECT_EQ(bed.process().wait(), 0);
  EXPECT_FALSE(std::filesystem::exists(bed.socket()));
}

TEST(Process, TheWorkerDiesWithItsSupervisor) {
  Bed bed({"--supervise"});
  const pid_t worker = childOf(bed.process().pid());
  bed.process().signal(SIGKILL);
  EXPECT_EQ(bed.process().wait(), 128 + SIGKILL);
  EXPECT_TRUE(endsWithin(worker, std::chrono::seconds(10)));
}

}  // namespace
}  // namespace daris::test
