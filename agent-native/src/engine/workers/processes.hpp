// Child processes that live as long as the thread that started them, and no longer.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/event_fd.hpp"
#include "base/unique_fd.hpp"

namespace daris::engine::workers {

/// What is started: a program by its path, with this environment and, from descriptor 3 on, these
/// descriptors; no others but the standard ones. What it writes goes to standard error.
struct Command {
  std::vector<std::string> arguments;    ///< the first is the program's path
  std::vector<std::string> environment;  ///< NAME=VALUE; whole
  std::vector<UniqueFd> descriptors = {};
  /// How it is ended, and what it gets when this process dies. One that is not killed is ended so at once
  /// when its end is expected; one that is killed has been told to end by other means.
  int end_signal = SIGKILL;
};

/// The environment of this process with these variables set in place of their former values, and without
/// those whose value is null.
[[nodiscard]] std::vector<std::string> environment_with(
    const std::map<std::string, std::optional<std::string>>& changes);

/// The first descriptor that a command inherits.
inline constexpr int kFirstDescriptor = 3;

/// Starts all commands at once. One thread starts them, waits for their ends and lives until they have ended,
/// since the kernel sends a child its death signal when the thread that started it ends. Each child is a
/// process group of its own, with no signal blocked or ignored.
class Processes {
 public:
  /// Told, on that thread, of the first that ended by itself. All others have been killed before.
  using Ended = std::function<void(std::size_t index, const std::string& how)>;

  /// Throws std::system_error where one cannot be started; none runs then.
  Processes(std::vector<Command> commands, Ended ended);
  /// Waits a while for children that were told to end by other means, kills the rest.
  ~Processes();
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;

  /// From now on it is expected that they end. Any thread.
  void expect_end() noexcept;
  [[nodiscard]] const std::vector<pid_t>& pids() const { return pids_; }

 private:
  void run(std::vector<Command> commands, std::promise<void> started);
  void start(Command& command);
  void watch();
  void end_all(int patience_ms);
  [[nodiscard]] int wait_for_one(int timeout_ms, int other);
  [[nodiscard]] std::string reap(std::size_t index);

  Ended ended_;
  std::vector<pid_t> pids_;
  std::vector<int> end_signals_;
  std::vector<UniqueFd> pidfds_;  // -1: has been reaped. The thread's own
  std::atomic<bool> ending_{false};
  EventFd end_;
  std::thread thread_;  // last
};

}  // namespace daris::engine::workers
