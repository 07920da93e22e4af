#include "engine/torch/pace.hpp"

#include <gtest/gtest.h>

namespace daris::engine::torch {
namespace {

using namespace std::chrono_literals;

TEST(Pace, RestsManyTimesAsLongAsThePieceTookButNotForever) {
  EXPECT_EQ(Pace::rest_for(1ms), 150ms);
  EXPECT_EQ(Pace::rest_for(0ms), 0ms);
  EXPECT_EQ(Pace::rest_for(10s), 500ms);
}

TEST(Pace, RestsAfterThePieceAndOnlyBesideHighPriorityJobs) {
  bool done = false;
  bool asked_after = false;
  const Pace pace([&] {
    asked_after = done;
    return false;
  });
  pace.piece([&] { done = true; });
  EXPECT_TRUE(asked_after);
  const auto begun = std::chrono::steady_clock::now();
  pace.rest_after(10s);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 100ms);
}

TEST(Pace, TheRestIsTaken) {
  const Pace pace([] { return true; });
  const auto begun = std::chrono::steady_clock::now();
  pace.rest_after(200us);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 30ms);
}

}  // namespace
}  // namespace daris::engine::torch
