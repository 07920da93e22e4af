#include "runtime/clock.hpp"

#include <chrono>

namespace daris::runtime {

namespace {

template <typename ClockType>
std::int64_t microseconds() {
  const auto since = ClockType::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

}  // namespace

TimeUs SystemClock::steadyUs() const {
  return microseconds<std::chrono::steady_clock>();
}

std::int64_t SystemClock::wallUs() const {
  return microseconds<std::chrono::system_clock>();
}

}  // namespace daris::runtime
