#include "engine/torch/pace.hpp"

#include <algorithm>
#include <thread>

namespace daris::engine::torch {
namespace {

constexpr int kRest = 30;  // times the work
constexpr std::chrono::milliseconds kLongest{
    200};  // who waits for the model does so for seconds, not minutes

}  // namespace

void Pace::rest_after(Duration took) const {
  if (wanted_()) std::this_thread::sleep_for(rest_for(took));
}

Pace::Duration Pace::rest_for(Duration took) {
  return std::min<Duration>(took * kRest, kLongest);
}

}  // namespace daris::engine::torch
