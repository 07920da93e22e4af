#include "runtime/supervisor.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <system_error>

#include "runtime/clock.hpp"
#include "runtime/log.hpp"

namespace daris::runtime {

namespace {

constexpr int kBadFlags = 2;
constexpr int kCannotExec = 127;

sigset_t watchedSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGCHLD);
  return signals;
}

/// In the child, between fork and exec: async-signal-safe calls alone.
[[noreturn]] void becomeWorker(char* const* argv, pid_t supervisor, const sigset_t& signals) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != supervisor) ::_exit(kCannotExec);  // it died before the line above
  ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
  ::execv(argv[0], argv);
  ::_exit(kCannotExec);
}

pid_t startWorker(const std::vector<std::string>& command, const sigset_t& signals) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const pid_t supervisor = ::getpid();
  const pid_t worker = ::fork();
  if (worker < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (worker == 0) becomeWorker(argv.data(), supervisor, signals);
  return worker;
}

int exitStatusOf(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// Waits for the worker's end; a signal to end is passed on, and remembered in `asked`.
int waitFor(pid_t worker, const sigset_t& signals, bool& asked) {
  for (;;) {
    const int signal = ::sigwaitinfo(&signals, nullptr);
    if (signal == SIGTERM || signal == SIGINT) {
      asked = true;
      ::kill(worker, SIGTERM);
    }
    int status = 0;
    if (::waitpid(worker, &status, WNOHANG) == worker) return status;
  }
}

/// Waits before a restart; false when asked to end meanwhile.
bool pause(DurationUs delayUs, const sigset_t& signals) {
  const SystemClock clock;
  const TimeUs untilUs = clock.steadyUs() + delayUs;
  for (;;) {
    const DurationUs leftUs = untilUs - clock.steadyUs();
    if (leftUs <= 0) return true;
    const timespec timeout{leftUs / 1'000'000, (leftUs % 1'000'000) * 1000};
    const int signal = ::sigtimedwait(&signals, nullptr, &timeout);
    if (signal == SIGTERM || signal == SIGINT) return false;
  }
}

}  // namespace

DurationUs Backoff::after(DurationUs livedUs) {
  if (livedUs >= kLongLifeUs) nextUs_ = kFirstUs;
  const DurationUs delayUs = nextUs_;
  nextUs_ = std::min(nextUs_ * 2, kLastUs);
  return delayUs;
}

int supervise(const std::vector<std::string>& command) {
  const sigset_t signals = watchedSignals();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  const SystemClock clock;
  Backoff backoff;
  for (;;) {
    const TimeUs startedUs = clock.steadyUs();
    bool asked = false;
    const pid_t worker = startWorker(command, signals);
    log(LogLevel::Info, "worker started", {{"pid", std::to_string(worker)}});
    const int status = exitStatusOf(waitFor(worker, signals, asked));
    if (asked || status == 0 || status == kBadFlags) return status;
    const DurationUs delayUs = backoff.after(clock.steadyUs() - startedUs);
    log(LogLevel::Error, "worker died",
        {{"status", std::to_string(status)}, {"restartInMs", std::to_string(delayUs / 1000)}});
    if (!pause(delayUs, signals)) return 0;
  }
}

}  // namespace daris::runtime
