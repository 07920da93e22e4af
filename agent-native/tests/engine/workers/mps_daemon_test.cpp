// How the MPS daemon is started, watched, ended and found again. NVIDIA's own needs a GPU
// (tests/engine/torch/mps_gpu_test.cpp); a script with its name stands in for the process, since all that is
// tested here is how processes are dealt with.
#include "engine/workers/mps_daemon.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <future>

#include "packages/package_writer.hpp"

namespace daris::engine::workers {
namespace {

namespace fs = std::filesystem;

constexpr const char* kGpu = "GPU-00000000-1111-2222-3333-444444444444";
constexpr const char* kScript = R"(#!/bin/sh
[ "$1" = -f ] || exit 9
trap 'exit 0' TERM
echo "$CUDA_VISIBLE_DEVICES" >"$CUDA_MPS_LOG_DIRECTORY/devices"
: >"$CUDA_MPS_PIPE_DIRECTORY/control"
while [ -e "$CUDA_MPS_PIPE_DIRECTORY/control" ]; do sleep 0.02; done
exit 7
)";

class MpsDaemonTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = std::getenv("PATH");
    ::setenv("TMPDIR", folder_.path().c_str(), 1);
  }
  void TearDown() override {
    ::setenv("PATH", path_.c_str(), 1);
    ::unsetenv("TMPDIR");
  }
  void install(const std::string& script = kScript) {
    const fs::path file = folder_.path() / "nvidia-cuda-mps-control";
    test::write_file(file, script);
    fs::permissions(file, fs::perms::owner_all);
    ::setenv("PATH", (folder_.path().string() + ":" + path_).c_str(), 1);
  }

  test::TemporaryFolder folder_;
  std::string path_;
};

TEST_F(MpsDaemonTest, WithoutMpsItSaysWhatWouldWork) {
  ::setenv("PATH", folder_.path().c_str(), 1);
  try {
    const MpsDaemon daemon(kGpu, [](const std::string&) {});
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(),
                 "modes MPS and MPSStreams need nvidia-cuda-mps-control, which is not on PATH (it comes with "
                 "NVIDIA's driver); use mode GreenContexts");
  }
}

TEST_F(MpsDaemonTest, ServesOneGpuFromAFolderOfItsOwnAndEnds) {
  install();
  {
    const MpsDaemon daemon(kGpu, [](const std::string& report) { ADD_FAILURE() << report; });
    EXPECT_EQ(daemon.pipes(), mps_folder(kGpu) / "pipe");
    EXPECT_TRUE(fs::exists(daemon.pipes() / "control"));
    EXPECT_EQ(test::read_file(mps_folder(kGpu) / "log" / "devices"), std::string(kGpu) + "\n");
    struct stat status {};
    ASSERT_EQ(::stat(daemon.pipes().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0700U);
  }
  const MpsDaemon again(kGpu, [](const std::string& report) { ADD_FAILURE() << report; });
}

TEST_F(MpsDaemonTest, WhatItSaysIsNotMixedWithWhatTheProgramWrites) {
  install("#!/bin/sh\necho said\n" + std::string(kScript));
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  {
    const MpsDaemon daemon(kGpu, [](const std::string& report) { ADD_FAILURE() << report; });
  }
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "said\n");
}

TEST_F(MpsDaemonTest, OneThatEndsByItselfIsToldOf) {
  install();
  std::promise<std::string> told;
  const MpsDaemon daemon(kGpu, [&told](const std::string& report) { told.set_value(report); });
  fs::remove(daemon.pipes() / "control");
  EXPECT_EQ(told.get_future().get(), "the MPS daemon ended with status 7");
}

TEST_F(MpsDaemonTest, OneThatCannotStartIsRefusedAndNotTakenForALoss) {
  install("#!/bin/sh\nexit 1\n");
  try {
    const MpsDaemon daemon(kGpu, [](const std::string& report) { ADD_FAILURE() << report; });
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("takes no clients"), std::string::npos) << error.what();
  }
}

TEST_F(MpsDaemonTest, OneThatAFormerProcessLeftIsEnded) {
  install();
  const fs::path pipes = mps_folder(kGpu) / "pipe";
  fs::create_directories(pipes);
  fs::create_directories(mps_folder(kGpu) / "log");
  fs::permissions(mps_folder(kGpu).parent_path(), fs::perms::owner_all);
  fs::permissions(mps_folder(kGpu), fs::perms::owner_all);
  std::vector<Command> commands(1);
  commands[0] = {.arguments = {folder_.path() / "nvidia-cuda-mps-control", "-f"},
                 .environment = environment_with({{"CUDA_MPS_PIPE_DIRECTORY", pipes},
                                                  {"CUDA_MPS_LOG_DIRECTORY", mps_folder(kGpu) / "log"}})};
  std::promise<std::string> ended;
  const Processes stale(std::move(commands),
                        [&ended](std::size_t, const std::string& how) { ended.set_value(how); });
  while (!fs::exists(pipes / "control")) std::this_thread::yield();
  const MpsDaemon daemon(kGpu, [](const std::string& report) { ADD_FAILURE() << report; });
  EXPECT_EQ(ended.get_future().get(), "ended with status 0");
}

TEST_F(MpsDaemonTest, AFolderThatOthersMayEnterIsNotUsed) {
  install();
  fs::create_symlink(folder_.path(), mps_folder(kGpu).parent_path());
  EXPECT_THROW(MpsDaemon(kGpu, [](const std::string&) {}), std::invalid_argument);
}

// What was measured: 2 * floor(percent * 132 / 200) SMs.
TEST(MpsPercentage, GrantsTheShareExactly) {
  for (std::uint32_t sms = 2; sms < 132; sms += 2) {
    const double percent = std::stod(mps_percentage(sms, 132));
    EXPECT_EQ(2 * static_cast<std::uint32_t>(percent * 132 / 200), sms);
    EXPECT_LT(percent - 100.0 * sms / 132, 0.01);
  }
  EXPECT_EQ(mps_percentage(132, 132), "");
}

}  // namespace
}  // namespace daris::engine::workers
