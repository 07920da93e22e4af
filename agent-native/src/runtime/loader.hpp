// The one thread that may wait for disks and compilers: opens packages, loads models, makes slots.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>

#include "base/time.hpp"
#include "runtime/clock.hpp"

namespace daris::runtime {

/// Runs jobs one at a time, those that are due in the order in which they became so. The destructor raises
/// the stop token, waits for the job that runs and drops the others.
class Loader {
 public:
  /// May take seconds; looks at the token where it can. Must not throw.
  using Job = std::function<void(std::stop_token)>;

  explicit Loader(const Clock& clock);
  ~Loader();

  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  void post(Job job) { postAfter(0, std::move(job)); }
  void postAfter(DurationUs delayUs, Job job);

  /// Drops what waits and asks the job that runs to end; returns when it has.
  void stop();

 private:
  void run(std::stop_token stop);

  const Clock& clock_;
  std::mutex mutex_;                 // guards jobs_
  std::condition_variable_any due_;  // jobs_ changed
  std::multimap<TimeUs, Job> jobs_;  // by the instant at which they are due
  std::jthread thread_;
};

}  // namespace daris::runtime
