#include "engine/torch/pace.hpp"

#include <algorithm>
#include <thread>

namespace daris::engine::torch {
namespace {

// Times the work. A job meets a piece that comes while it runs, too: with pieces as long as jobs, this is the
// one in a hundred that a p99 bears.
constexpr int kRest = 150;
// Who waits for the model does so for seconds, not minutes.
constexpr std::chrono::milliseconds kLongest{500};

}  // namespace

void Pace::rest_after(Duration took) const {
  if (wanted_()) std::this_thread::sleep_for(rest_for(took));
}

Pace::Duration Pace::rest_for(Duration took) {
  return std::min<Duration>(took * kRest, kLongest);
}

}  // namespace daris::engine::torch
