#include "engine/workers/processes.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
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
constexpr int kCannotExec = 127;

void check(bool done, const std::string& what) {
  if (!done) throw std::system_error(errno, std::generic_category(), what);
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

/// What the child needs, made before the fork: after it, only async-signal-safe calls are allowed.
struct ChildTerms {
  std::vector<char*> arguments;
  std::vector<char*> environment;
  const std::vector<UniqueFd>* descriptors;
  pid_t parent;
  int end_signal;
};

/// In the child, between fork and exec.
[[noreturn]] void become(const ChildTerms& terms) {
  ::prctl(PR_SET_PDEATHSIG, terms.end_signal);
  if (::getppid() != terms.parent) ::_exit(kCannotExec);  // it died before the line above
  ::setpgid(0, 0);  // what is typed at a terminal is for the runtime, which then ends its children in order
  ::dup2(STDERR_FILENO, STDOUT_FILENO);  // what the runtime writes is read by programs
  int target = kFirstDescriptor;
  for (const UniqueFd& fd : *terms.descriptors) ::dup2(fd.get(), target++);
  ::syscall(SYS_close_range, target, ~0U, 0);
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(terms.arguments[0], terms.arguments.data(), terms.environment.data());
  ::_exit(kCannotExec);
}

void kill_and_reap(pid_t pid) {
  (void)::kill(pid, SIGKILL);
  (void)::waitpid(pid, nullptr, 0);
}

std::string in_words(const siginfo_t& end) {
  if (end.si_code == CLD_EXITED && end.si_status == kCannotExec) return "could not be started";
  if (end.si_code == CLD_EXITED) return "ended with status " + std::to_string(end.si_status);
  return "was ended by signal " + std::to_string(end.si_status);
}

}  // namespace

std::vector<std::string> environment_with(const std::map<std::string, std::optional<std::string>>& changes) {
  std::vector<std::string> all;
  for (char** entry = ::environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!changes.contains(text.substr(0, text.find('=')))) all.push_back(text);
  }
  for (const auto& [name, value] : changes) {
    if (value) all.push_back(name + "=" + *value);
  }
  return all;
}

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
    for (Command& command : commands) start(command);
  } catch (...) {
    end_all(0);
    started.set_exception(std::current_exception());
    return;
  }
  commands.clear();  // this side's copies of their descriptors
  started.set_value();
  watch();
}

void Processes::start(Command& command) {
  check(::access(command.arguments[0].c_str(), X_OK) == 0, command.arguments[0]);
  for (UniqueFd& fd : command.descriptors) {
    // Out of the way first: the target of one may be the source of another.
    fd = UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, kAboveInherited));
    check(static_cast<bool>(fd), "a descriptor for a process");
  }
  const ChildTerms terms{.arguments = pointers(command.arguments),
                         .environment = pointers(command.environment),
                         .descriptors = &command.descriptors,
                         .parent = ::getpid(),
                         .end_signal = command.end_signal};
  const pid_t pid = ::fork();
  check(pid >= 0, "fork");
  if (pid == 0) become(terms);
  UniqueFd watched(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!watched) {
    const int error = errno;
    kill_and_reap(pid);
    throw std::system_error(error, std::generic_category(), "watching a process");
  }
  pids_.push_back(pid);
  end_signals_.push_back(command.end_signal);
  pidfds_.push_back(std::move(watched));
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
  for (std::size_t i = 0; patience_ms > 0 && i < pids_.size(); ++i) {
    if (pidfds_[i] && end_signals_[i] != SIGKILL) (void)::kill(pids_[i], end_signals_[i]);
  }
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - steady_clock::now());
    const int ended = left.count() > 0 ? wait_for_one(static_cast<int>(left.count()), kNothing) : -1;
    if (ended < 0) break;
    (void)reap(static_cast<std::size_t>(ended));
  }
  for (std::size_t i = 0; i < pids_.size(); ++i) {
    if (!pidfds_[i]) continue;
    kill_and_reap(pids_[i]);
    pidfds_[i] = UniqueFd();
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
