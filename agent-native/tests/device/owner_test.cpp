#include "device/owner.hpp"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "packages/package_writer.hpp"

namespace daris::device {
namespace {

TEST(Owner, OfAThreadIsItsProcess) {
  std::uint32_t thread = 0;
  std::uint32_t owner = 0;
  std::jthread([&] {
    thread = static_cast<std::uint32_t>(::syscall(SYS_gettid));
    owner = ownerOf(thread);
  }).join();
  EXPECT_NE(thread, static_cast<std::uint32_t>(::getpid()));
  EXPECT_EQ(owner, static_cast<std::uint32_t>(::getpid()));
}

TEST(Owner, OfAProcessIsItself) {
  EXPECT_EQ(ownerOf(static_cast<std::uint32_t>(::getpid())), static_cast<std::uint32_t>(::getpid()));
  EXPECT_EQ(ownerOf(4'194'305), 4'194'305U) << "beyond what Linux gives: unknown here";
}

TEST(Owner, OfNonsenseIsTheNumberItself) {
  const daris::test::TemporaryFolder proc;
  std::filesystem::create_directory(proc.path() / "7");
  for (const char* text : {"", "Tgid:\t\n", "Tgid:\tx\n", "Tgid:\t0\n"}) {
    std::ofstream(proc.path() / "7" / "status") << text;
    EXPECT_EQ(ownerOf(7, proc.path()), 7U) << text;
  }
}

}  // namespace
}  // namespace daris::device
