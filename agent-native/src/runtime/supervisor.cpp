#include "runtime/supervisor.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <optional>
#include <sstream>
#include <system_error>

#include "base/unique_fd.hpp"
#include "runtime/clock.hpp"
#include "runtime/log.hpp"

namespace daris::runtime {

namespace {

constexpr int kBadFlags = 2;
constexpr DurationUs kLookUs = 1'000'000;      // how often silence is looked at, at least
constexpr DurationUs kListingUs = 60'000'000;  // a driver that takes longer hangs

/// What ended a sleep.
struct Woken {
  bool asked = false;  // to end
  pid_t alive = -1;    // the process whose heartbeat it was
};

/// What a supervisor waits for: signals, and points in time.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    for (const int signal : {SIGTERM, SIGINT, SIGCHLD, heartbeatSignal()}) sigaddset(&set_, signal);
    ::sigprocmask(SIG_BLOCK, &set_, nullptr);
  }

  [[nodiscard]] const sigset_t& set() const { return set_; }
  [[nodiscard]] TimeUs nowUs() const { return clock_.steadyUs(); }

  /// Sleeps until a signal or that time.
  [[nodiscard]] Woken sleep(TimeUs untilUs) const {
    const DurationUs leftUs = std::max<DurationUs>(0, untilUs - nowUs());
    const timespec timeout{leftUs / 1'000'000, (leftUs % 1'000'000) * 1000};
    siginfo_t told{};
    const int signal = ::sigtimedwait(&set_, &told, &timeout);
    return {.asked = signal == SIGTERM || signal == SIGINT,
            .alive = signal == heartbeatSignal() ? told.si_pid : -1};
  }

  /// Sleeps until a signal or that time. Whether it was asked to end.
  [[nodiscard]] bool askedBy(TimeUs untilUs) const { return sleep(untilUs).asked; }

 private:
  sigset_t set_{};
  SystemClock clock_;
};

/// The exit status of a child that has ended; then it is gone.
std::optional<int> endOf(pid_t child) {
  int status = 0;
  if (::waitpid(child, &status, WNOHANG) != child) return std::nullopt;
  return exitStatusOf(status);
}

// ---- Listing ----

std::string contentOf(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::read(fd, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(count));
  return text;
}

std::vector<std::string> linesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

/// What came of asking for GPUs once.
struct Listed {
  bool asked = false;  // to end, meanwhile
  int status = 0;
  std::vector<std::string> gpus;
};

Listed listOnce(const CommandLine& command, const Signals& signals) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  const UniqueFd out(ends[0]);
  UniqueFd in(ends[1]);
  const pid_t child = startChild(command, signals.set(), in.get());
  in = UniqueFd();
  Listed listed;
  const TimeUs untilUs = signals.nowUs() + kListingUs;
  for (;;) {
    // Past that time, a second at a time: inside the driver it may not even be killed.
    listed.asked = signals.askedBy(std::max(untilUs, signals.nowUs() + 1'000'000)) || listed.asked;
    if (listed.asked || signals.nowUs() >= untilUs) ::kill(child, SIGKILL);
    const auto end = endOf(child);
    if (!end) continue;
    listed.status = *end;
    // Few lines, so that they wait in the pipe.
    if (*end == 0) listed.gpus = linesOf(contentOf(out.get()));
    return listed;
  }
}

/// Waits; whether it was asked to end meanwhile.
bool pause(DurationUs delayUs, const Signals& signals) {
  const TimeUs untilUs = signals.nowUs() + delayUs;
  while (signals.nowUs() < untilUs) {
    if (signals.askedBy(untilUs)) return true;
  }
  return false;
}

/// As listOnce, with a status that is 0 or that of bad flags.
Listed listGpus(const CommandLine& command, const Signals& signals) {
  Backoff backoff;
  for (;;) {
    const TimeUs startedUs = signals.nowUs();
    Listed listed = listOnce(command, signals);
    if (listed.asked || listed.status == 0 || listed.status == kBadFlags) return listed;
    const DurationUs delayUs = backoff.after(signals.nowUs() - startedUs);
    log(LogLevel::Error, "cannot list the GPUs",
        {{"status", std::to_string(listed.status)}, {"retryInMs", std::to_string(delayUs / 1000)}});
    listed.asked = pause(delayUs, signals);
    if (listed.asked) return listed;
  }
}

// ---- Workers ----

struct Worker {
  CommandLine command;
  Backoff backoff{};
  pid_t pid = -1;  // -1: does not run
  TimeUs startedUs = 0;
  TimeUs dueUs = 0;  // next start, where it does not run
  DurationUs silentUs = 0;
  DurationUs patienceUs = 0;
};

class Workers {
 public:
  Workers(std::vector<CommandLine> commands, Patience patience, const Signals& signals)
      : signals_(signals), patience_(patience), lookedUs_(signals.nowUs()) {
    for (CommandLine& command : commands) workers_.push_back({.command = std::move(command)});
  }

  int run() {
    for (;;) {
      if (!ending_) startDue();
      const bool running = std::ranges::any_of(workers_, [](const Worker& worker) { return worker.pid > 0; });
      if (ending_ && !running) return status_;
      const Woken woken = signals_.sleep(nextLookUs());
      if (woken.asked) end();
      for (Worker& worker : workers_) reap(worker);
      listen(woken.alive);
    }
  }

 private:
  [[nodiscard]] std::string numberOf(const Worker& worker) const {
    return std::to_string(&worker - workers_.data());
  }

  void startDue() {
    for (Worker& worker : workers_) {
      if (worker.pid > 0 || worker.dueUs > signals_.nowUs()) continue;
      worker.startedUs = signals_.nowUs();
      worker.silentUs = 0;
      worker.patienceUs = patience_.startUs;
      worker.pid = startChild(worker.command, signals_.set());
      log(LogLevel::Info, "worker started",
          {{"worker", numberOf(worker)}, {"pid", std::to_string(worker.pid)}});
    }
  }

  [[nodiscard]] TimeUs nextLookUs() const {
    TimeUs next = signals_.nowUs() + kLookUs;
    for (const Worker& worker : workers_) {
      if (!ending_ && worker.pid < 0) next = std::min(next, worker.dueUs);
    }
    return next;
  }

  /// Adds to everybody's silence what has passed since the last look, but of a time in which this process was
  /// not run no more than of a usual sleep: the workers were not run, either.
  void listen(pid_t alive) {
    const TimeUs now = signals_.nowUs();
    const DurationUs passedUs = std::min(now - lookedUs_, kLookUs);
    lookedUs_ = now;
    for (Worker& worker : workers_) {
      if (worker.pid < 0) continue;
      worker.silentUs += passedUs;
      if (worker.pid == alive) {
        worker.silentUs = 0;
        worker.patienceUs = patience_.silentUs;
      }
      if (worker.silentUs >= worker.patienceUs) endHanging(worker);
    }
  }

  /// It is reaped, and restarted, like any that died.
  void endHanging(Worker& worker) {
    log(LogLevel::Error, "worker hangs",
        {{"worker", numberOf(worker)},
         {"pid", std::to_string(worker.pid)},
         {"silentMs", std::to_string(worker.silentUs / 1000)}});
    ::kill(worker.pid, SIGKILL);
    worker.silentUs = 0;  // inside a driver it may not end at once: then it is tried again
  }

  void end() {
    ending_ = true;
    for (const Worker& worker : workers_) {
      if (worker.pid > 0) ::kill(worker.pid, SIGTERM);
    }
  }

  void reap(Worker& worker) {
    if (worker.pid < 0) return;
    const auto status = endOf(worker.pid);
    if (!status) return;
    worker.pid = -1;
    const bool onPurpose = *status == 0 && workers_.size() == 1;
    if (ending_ || onPurpose || *status == kBadFlags) {
      if (status_ == 0) status_ = *status;
      if (!ending_) end();
      return;
    }
    const DurationUs delayUs = worker.backoff.after(signals_.nowUs() - worker.startedUs);
    worker.dueUs = signals_.nowUs() + delayUs;
    log(LogLevel::Error, "worker died",
        {{"worker", numberOf(worker)},
         {"status", std::to_string(*status)},
         {"restartInMs", std::to_string(delayUs / 1000)}});
  }

  const Signals& signals_;
  const Patience patience_;
  TimeUs lookedUs_;
  std::vector<Worker> workers_;
  bool ending_ = false;
  int status_ = 0;
};

}  // namespace

DurationUs Backoff::after(DurationUs livedUs) {
  if (livedUs >= kLongLifeUs) nextUs_ = kFirstUs;
  const DurationUs delayUs = nextUs_;
  nextUs_ = std::min(nextUs_ * 2, kLastUs);
  return delayUs;
}

int supervise(const Supervision& supervision) {
  const Signals signals;
  Listed listed;
  if (!supervision.listing.empty()) listed = listGpus(supervision.listing, signals);
  if (listed.asked) return 0;
  if (listed.status != 0) return listed.status;
  return Workers(supervision.workers(listed.gpus), supervision.patience, signals).run();
}

}  // namespace daris::runtime
