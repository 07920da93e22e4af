#include "engine/workers/processes.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>

namespace daris::engine::workers {
namespace {

constexpr int kPatienceMs = 5'000;  // to give back what they have of the device
constexpr int kForever = -1;
constexpr int kNothing = -1;  // poll skips it
constexpr int kAboveInherited = 64;

void check(int error, const char* what) {
  if (error != 0) throw std::system_error(error, std::generic_category(), what);
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

/// How a child begins: its descriptors, and signals as if nobody had touched them.
class SpawnTerms {
 public:
  explicit SpawnTerms(std::vector<UniqueFd>& descriptors) {
    check(::posix_spawn_file_actions_init(&actions_), "starting a process");
    check(::posix_spawnattr_init(&attributes_), "starting a process");
    int target = kFirstDescriptor;
    for (UniqueFd& fd : descriptors) {
      // Out of the way first: the target of one may be the source of another.
      fd = UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, kAboveInherited));
      check(fd ? 0 : errno, "a descriptor for a process");
      check(::posix_spawn_file_actions_adddup2(&actions_, fd.get(), target++), "a descriptor for a process");
    }
    check(::posix_spawn_file_actions_addclosefrom_np(&actions_, target), "starting a process");
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnTerms() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnTerms(const SpawnTerms&) = delete;
  SpawnTerms& operator=(const SpawnTerms&) = delete;

  [[nodiscard]] pid_t start(const Command& command) const {
    const auto arguments = pointers(command.arguments);
    const auto environment = pointers(command.environment);
    pid_t pid = 0;
    check(::posix_spawn(&pid, arguments[0], &actions_, &attributes_, arguments.data(), environment.data()),
          arguments[0]);
    return pid;
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

std::string in_words(const siginfo_t& end) {
  if (end.si_code == CLD_EXITED) return "ended with status " + std::to_string(end.si_status);
  return "was ended by signal " + std::to_string(end.si_status);
}

}  // namespace

Processes::Processes(std::vector<Command> commands, Ended ended) : ended_(std::move(ended)) {
  std::promise<void> promise;
  std::future<void> started = promise.get_future();
  thread_ = std::thread(&Processes::run, this, std::move(commands), std::move(promise));
  try {
    started.get();
  } catch (...) {
    thread_.join();
    throw;
  }
}

Processes::~Processes() {
  expect_end();
  thread_.join();
}

void Processes::expect_end() noexcept {
  if (!ending_.exchange(true)) end_.signal();
}

void Processes::run(std::vector<Command> commands, std::promise<void> started) {
  ::pthread_setname_np(::pthread_self(), "workers");
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
  try {
    for (Command& command : commands) {
      const pid_t pid = SpawnTerms(command.descriptors).start(command);
      pids_.push_back(pid);
      pidfds_.emplace_back(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
      check(pidfds_.back() ? 0 : errno, "watching a process");
    }
  } catch (...) {
    end_all(0);
    started.set_exception(std::current_exception());
    return;
  }
  commands.clear();  // this side's copies of their descriptors
  started.set_value();
  watch();
}

void Processes::watch() {
  const int first = wait_for_one(kForever, end_.get());
  if (first < 0 || ending_) return end_all(kPatienceMs);
  const std::string how = reap(static_cast<std::size_t>(first));
  end_all(0);
  ended_(static_cast<std::size_t>(first), how);
}

void Processes::end_all(int patience_ms) {
  using std::chrono::steady_clock;
  const auto until = steady_clock::now() + std::chrono::milliseconds(patience_ms);
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - steady_clock::now());
    const int ended = left.count() > 0 ? wait_for_one(static_cast<int>(left.count()), kNothing) : -1;
    if (ended < 0) break;
    (void)reap(static_cast<std::size_t>(ended));
  }
  for (std::size_t i = 0; i < pids_.size(); ++i) {
    if (i < pidfds_.size() && !pidfds_[i]) continue;
    (void)::kill(pids_[i], SIGKILL);
    int status = 0;
    (void)::waitpid(pids_[i], &status, 0);
    if (i < pidfds_.size()) pidfds_[i] = UniqueFd();
  }
}

/// The index of a child that has ended; -1 in time without one, when none is left, or when `other` is
/// readable.
int Processes::wait_for_one(int timeout_ms, int other) {
  std::vector<pollfd> watched{{.fd = other, .events = POLLIN, .revents = 0}};
  bool any = false;
  for (const UniqueFd& fd : pidfds_) {
    watched.push_back({.fd = fd.get(), .events = POLLIN, .revents = 0});
    any = any || fd;
  }
  if (!any) return -1;
  while (::poll(watched.data(), watched.size(), timeout_ms) < 0 && errno == EINTR) continue;
  if (watched[0].revents != 0) return -1;
  for (std::size_t i = 1; i < watched.size(); ++i) {
    if (watched[i].revents != 0) return static_cast<int>(i - 1);
  }
  return -1;
}

std::string Processes::reap(std::size_t index) {
  siginfo_t end{};
  (void)::waitid(P_PIDFD, static_cast<id_t>(pidfds_[index].get()), &end, WEXITED);
  pidfds_[index] = UniqueFd();
  return in_words(end);
}

}  // namespace daris::engine::workers
