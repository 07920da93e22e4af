// Which processes of ours work on the GPU. Whoever starts one says so, since a list of the driver's holds
// numbers alone.
#pragma once

#include <cstdint>
#include <mutex>
#include <set>

namespace daris {

/// All methods may be called by any thread; none waits for more than a few instructions.
class OwnProcesses {
 public:
  /// Before the process opens the GPU, or it is taken for somebody else's. `pid` as this process sees it.
  void started(std::uint32_t pid) {
    const std::scoped_lock lock(mutex_);
    pids_.insert(pid);
  }
  /// Once it has been waited for.
  void ended(std::uint32_t pid) {
    const std::scoped_lock lock(mutex_);
    pids_.erase(pid);
  }
  [[nodiscard]] std::set<std::uint32_t> pids() const {
    const std::scoped_lock lock(mutex_);
    return pids_;
  }

 private:
  mutable std::mutex mutex_;  // guards pids_
  std::set<std::uint32_t> pids_;
};

}  // namespace daris
