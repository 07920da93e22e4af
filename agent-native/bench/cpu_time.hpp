// What a thread has computed, without what others took of its core meanwhile.
#pragma once

#include <cstdint>
#include <ctime>

namespace daris::bench {

/// Nanoseconds of the calling thread.
[[nodiscard]] inline std::int64_t cpuNs() {
  timespec now{};
  (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace daris::bench
