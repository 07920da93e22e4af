// One runtime to a socket, and no dead one in the way of the next.
#include "runtime/socket_guard.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>

#include "packages/package_writer.hpp"

namespace daris::runtime {
namespace {

UniqueFd bound(const std::string& path) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return fd;
}

class SocketGuardTest : public testing::Test {
 protected:
  test::TemporaryFolder folder_;
  std::string path_ = folder_.path() / "runtime.sock";
};

TEST_F(SocketGuardTest, ASecondOneIsRefusedWhileTheFirstLives) {
  {
    const SocketGuard first(path_);
    EXPECT_THROW(SocketGuard{path_}, SocketTaken);
  }
  EXPECT_NO_THROW(SocketGuard{path_});
}

TEST_F(SocketGuardTest, ADeadSocketIsRemoved) {
  { const UniqueFd dead = bound(path_); }
  ASSERT_TRUE(std::filesystem::exists(path_));
  const SocketGuard guard(path_);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(SocketGuardTest, ASocketThatAnswersIsLeftAlone) {
  const UniqueFd alive = bound(path_);
  ASSERT_EQ(::listen(alive.get(), 1), 0);
  EXPECT_THROW(SocketGuard{path_}, SocketTaken);
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(SocketGuardTest, AFileIsLeftAlone) {
  test::write_file(path_, "precious");
  EXPECT_THROW(SocketGuard{path_}, SocketTaken);
  EXPECT_EQ(test::read_file(path_), "precious");
}

}  // namespace
}  // namespace daris::runtime
