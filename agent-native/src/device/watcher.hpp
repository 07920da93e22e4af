// Looks at a GPU every few seconds and at once when its driver logs an error, on threads of its own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "base/own_processes.hpp"
#include "device/gpu_source.hpp"
#include "device/sharing.hpp"

namespace daris::device {

struct WatcherOptions {
  std::chrono::milliseconds period{2000};
  std::function<TimeUs()> wallUs;  ///< microseconds since the Unix epoch
};

/// The destructor returns when both threads have ended, which may take as long as a wait for an Xid.
class Watcher {
 public:
  /// `told` gets each report, on the watcher's thread; the first one before the constructor returns, on the
  /// caller's. `own` must outlive it. `before`: as it was before the first context of ours.
  Watcher(std::unique_ptr<GpuSource> source, const OwnProcesses& own, const Census& before,
          std::function<void(Report)> told, WatcherOptions options);

 private:
  void look();
  void lookRepeatedly(std::stop_token stop);
  void awaitXids(std::stop_token stop);

  const std::unique_ptr<GpuSource> source_;
  const OwnProcesses& own_;
  const std::function<void(Report)> told_;
  const WatcherOptions options_;
  Sharing sharing_;  // of whoever looks
  Foreign foreign_;  // likewise; what was found last

  std::mutex mutex_;  // guards all below
  std::condition_variable_any wake_;
  bool woken_ = false;
  std::uint64_t xids_ = 0;
  std::optional<Xid> lastXid_;
  std::optional<Xid> critical_;  // the first that was none of a program's

  std::jthread looking_;
  std::jthread awaiting_;
};

}  // namespace daris::device
