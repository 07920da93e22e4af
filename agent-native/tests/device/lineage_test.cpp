#include "device/lineage.hpp"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "packages/package_writer.hpp"

namespace daris::device {
namespace {

using Pids = std::vector<std::uint32_t>;

std::uint32_t self() {
  return static_cast<std::uint32_t>(::getpid());
}

TEST(Lineage, OfAThreadBeginsWithItsProcess) {
  std::uint32_t thread = 0;
  Pids lineage;
  std::jthread([&] {
    thread = static_cast<std::uint32_t>(::syscall(SYS_gettid));
    lineage = lineageOf(thread);
  }).join();
  EXPECT_NE(thread, self());
  EXPECT_EQ(lineage.at(0), self());
}

TEST(Lineage, OfAChildGoesOnWithItsParent) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  const Pids lineage = lineageOf(static_cast<std::uint32_t>(child));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ASSERT_GE(lineage.size(), 2U);
  EXPECT_EQ(lineage[0], static_cast<std::uint32_t>(child));
  EXPECT_EQ(lineage[1], self());
}

TEST(Lineage, OfWhoIsNotKnownHereIsTheNumberItself) {
  EXPECT_EQ(lineageOf(4'194'305), Pids{4'194'305}) << "beyond what Linux gives";
}

TEST(Lineage, OfNonsenseEnds) {
  const daris::test::TemporaryFolder proc;
  std::filesystem::create_directory(proc.path() / "7");
  const auto says = [&](const char* text) { std::ofstream(proc.path() / "7" / "status") << text; };
  for (const char* text : {"", "Tgid:\t\n", "Tgid:\tx\n", "Tgid:\t0\nPPid:\t3\n"}) {
    says(text);
    EXPECT_EQ(lineageOf(7, proc.path()), Pids{7}) << text;
  }
  says("Tgid:\t7\nPPid:\t7\n");
  EXPECT_EQ(lineageOf(7, proc.path()).size(), 16U) << "its own parent";
}

}  // namespace
}  // namespace daris::device
