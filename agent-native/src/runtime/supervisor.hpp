// Keeps one worker process for each GPU alive: restarts those that die with backoff, each by itself.
//
//   listing ──UUIDs──► supervising ──SIGTERM, SIGINT, bad flags──► ending ──all have ended──► exit status
#pragma once

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

struct Supervision {
  /// Prints the GPUs that there are, one a line: a child, since whoever asks a GPU's driver may crash, and is
  /// its client as long as it lives. Repeated with backoff until it exits with 0 (or 2: bad flags). Empty:
  /// nobody asks.
  CommandLine listing;
  /// The workers of these GPUs, at least one. What it throws ends the supervisor.
  std::function<std::vector<CommandLine>(const std::vector<std::string>& gpus)> workers;
};

/// Runs the workers until SIGTERM or SIGINT, which is passed on to all, or until one exits with 2 (bad flags:
/// a restart would not help), which ends all. Any other end, a lost GPU's (status 3) among them, is followed
/// by a restart of that worker, but a single one that exits with 0 was ended on purpose. Answers the exit
/// status for the supervisor itself: the first that is not 0, if any. Workers are killed when the supervisor
/// dies. Blocks SIGTERM, SIGINT and SIGCHLD in this process.
[[nodiscard]] int supervise(const Supervision& supervision);

}  // namespace daris::runtime
