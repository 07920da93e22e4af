// The right to run the online phase: one thread has it at a time.
#pragma once

#include <pthread.h>

namespace daris::runtime {

/// A mutex that lends its holder the priority of whoever waits for it, so that the dispatcher, due at a
/// release, is kept waiting for the microseconds of a round at most, also where the holder would not get its
/// core. Threads that end a stage only try: on the per-stage path nobody ever waits, and no system call is
/// made. Lockable as the standard library means it.
class Turn {
 public:
  Turn();
  ~Turn();

  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  void lock() noexcept;
  [[nodiscard]] bool try_lock() noexcept;
  void unlock() noexcept;

 private:
  pthread_mutex_t mutex_;
};

}  // namespace daris::runtime
