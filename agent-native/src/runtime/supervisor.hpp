// Keeps one worker process alive: restarts it with backoff when it dies, ends with it when it ends well.
#pragma once

#include <string>
#include <vector>

#include "base/time.hpp"

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

/// Runs `command` (argv, found by its path) until it exits with 0, with 2 (bad flags: a restart would not
/// help), or SIGTERM or SIGINT was forwarded to it. Any other end, a lost GPU's (status 3) among them, is
/// followed by a restart. Answers the exit status for the supervisor itself. The worker is killed when the
/// supervisor dies. Blocks SIGTERM, SIGINT and SIGCHLD in this process.
[[nodiscard]] int supervise(const std::vector<std::string>& command);

}  // namespace daris::runtime
