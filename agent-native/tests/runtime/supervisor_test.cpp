#include "runtime/supervisor.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "packages/package_writer.hpp"

namespace daris::runtime {
namespace {

constexpr auto kDeadline = std::chrono::seconds(30);

/// A supervisor in a process of its own, as it has signals of its own, of workers that are shell scripts.
class Supervised {
 public:
  Supervised(const std::vector<std::string>& scripts, Patience patience) : pid_(::fork()) {
    if (pid_ != 0) return;
    std::vector<CommandLine> workers;
    for (const std::string& script : scripts) workers.push_back({"/bin/sh", "-c", script});
    ::_exit(
        supervise({.listing = {}, .workers = [&](const auto&) { return workers; }, .patience = patience}));
  }
  ~Supervised() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }

  Supervised(const Supervised&) = delete;
  Supervised& operator=(const Supervised&) = delete;

  void signal(int number) const { ::kill(pid_, number); }

 private:
  pid_t pid_;
};

int startsIn(const std::filesystem::path& file) {
  std::ifstream stream(file);
  int starts = 0;
  for (std::string line; std::getline(stream, line);) ++starts;
  return starts;
}

bool comesTo(int starts, const std::filesystem::path& file) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (startsIn(file) < starts) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    ::poll(nullptr, 0, 10);
  }
  return true;
}

const std::string kBeat = "kill -" + std::to_string(heartbeatSignal()) + " $PPID; ";

/// Each start leaves a line with the process.
std::string told(const std::filesystem::path& file) {
  return "echo $$ >>" + file.string() + "; ";
}

/// Tells its start, then beats forever.
std::string beating(const std::filesystem::path& file) {
  return told(file) + "while :; do " + kBeat + "sleep 0.05; done";
}

TEST(Backoff, DoublesUpToABound) {
  Backoff backoff;
  DurationUs expected = Backoff::kFirstUs;
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(backoff.after(1000), expected);
    expected = std::min(expected * 2, Backoff::kLastUs);
  }
}

TEST(Backoff, StartsAnewAfterALongLife) {
  Backoff backoff;
  for (int i = 0; i < 5; ++i) static_cast<void>(backoff.after(1000));
  EXPECT_EQ(backoff.after(Backoff::kLongLifeUs), Backoff::kFirstUs);
}

TEST(Supervise, OneThatFallsSilentIsStartedAnewAndOneThatBeatsIsNot) {
  const test::TemporaryFolder folder;
  const auto silent = folder.path() / "silent";
  const auto lively = folder.path() / "lively";
  const Supervised supervised({told(silent) + kBeat + "exec sleep 1000", beating(lively)},
                              {.startUs = 3'600'000'000, .silentUs = 2'000'000});
  EXPECT_TRUE(comesTo(3, silent));
  EXPECT_EQ(startsIn(lively), 1);
}

TEST(Supervise, OneThatIsSilentFromTheStartHasLonger) {
  const test::TemporaryFolder folder;
  const auto slow = folder.path() / "slow";
  const auto never = folder.path() / "never";
  const Supervised supervised(
      {told(slow) + "sleep 1; " + beating(folder.path() / "ready"), told(never) + "exec sleep 1000"},
      {.startUs = 5'000'000, .silentUs = 3'600'000'000});
  EXPECT_TRUE(comesTo(2, never));
  EXPECT_EQ(startsIn(slow), 1);
  EXPECT_EQ(startsIn(folder.path() / "ready"), 1);
}

TEST(Supervise, TimeInWhichNobodyRanIsNotSilence) {
  const test::TemporaryFolder folder;
  const auto file = folder.path() / "worker";
  const Supervised supervised({beating(file)}, {.startUs = 3'600'000'000, .silentUs = 5'000'000});
  ASSERT_TRUE(comesTo(1, file));
  pid_t worker = 0;
  std::ifstream(file) >> worker;
  // As where the container is paused: what was said before is heard, and then nothing is for longer than
  // allowed.
  supervised.signal(SIGSTOP);
  ::kill(worker, SIGSTOP);
  ::poll(nullptr, 0, 6'000);
  supervised.signal(SIGCONT);
  ::poll(nullptr, 0, 200);
  ::kill(worker, SIGCONT);
  ::poll(nullptr, 0, 500);
  EXPECT_EQ(startsIn(file), 1);
  EXPECT_EQ(::kill(worker, 0), 0);
}

}  // namespace
}  // namespace daris::runtime
