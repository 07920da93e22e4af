// Keeps one worker process for each GPU alive: restarts those that die with backoff, each by itself, and ends
// those that hang.
//
//   listing ──UUIDs──► supervising ──SIGTERM, SIGINT, bad flags──► ending ──all have ended──► exit status
#pragma once

#include <csignal>
#include <functional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "runtime/child_process.hpp"

namespace daris::runtime {

/// How long to wait before the next start: doubles with each early death, starts anew after a long life.
class Backoff {
 public:
  static constexpr DurationUs kFirstUs = 100'000;
  static constexpr DurationUs kLastUs = 10'000'000;
  static constexpr DurationUs kLongLifeUs = 60'000'000;

  /// The delay after a worker that lived this long.
  [[nodiscard]] DurationUs after(DurationUs livedUs);

 private:
  DurationUs nextUs_ = kFirstUs;
};

/// How long a worker may be silent before it is taken for hanging.
struct Patience {
  DurationUs startUs = 180'000'000;  ///< before the first word: it may take all of a GPU's memory until then
  DurationUs silentUs = 60'000'000;  ///< after that: drivers hold a launch for seconds at most
};

struct Supervision {
  /// Prints the GPUs that there are, one a line: a child, since whoever asks a GPU's driver may crash, and is
  /// its client as long as it lives. Repeated with backoff until it exits with 0 (or 2: bad flags). Empty:
  /// nobody asks.
  CommandLine listing;
  /// The workers of these GPUs, at least one. What it throws ends the supervisor.
  std::function<std::vector<CommandLine>(const std::vector<std::string>& gpus)> workers;
  Patience patience = {};
};

/// By which a worker says that it lives: a real-time signal, so that each one counts and tells who sent it.
[[nodiscard]] inline int heartbeatSignal() {
  return SIGRTMIN;
}

/// Runs the workers until SIGTERM or SIGINT, which is passed on to all, or until one exits with 2 (bad flags:
/// a restart would not help), which ends all. Any other end, a lost GPU's (status 3) among them, is followed
/// by a restart of that worker, but a single one that exits with 0 was ended on purpose. Answers the exit
/// status for the supervisor itself: the first that is not 0, if any. A worker that is silent for too long is
/// killed, and so restarted; time in which this process did not run either is not counted. Workers are killed
/// when the supervisor dies. Blocks SIGTERM, SIGINT, SIGCHLD and the heartbeat in this process.
[[nodiscard]] int supervise(const Supervision& supervision);

}  // namespace daris::runtime
