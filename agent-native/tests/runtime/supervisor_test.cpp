#include "runtime/supervisor.hpp"

#include <gtest/gtest.h>

namespace daris::runtime {
namespace {

TEST(Backoff, DoublesUpToABound) {
  Backoff backoff;
  DurationUs expected = Backoff::kFirstUs;
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(backoff.after(1000), expected);
    expected = std::min(expected * 2, Backoff::kLastUs);
  }
}

TEST(Backoff, StartsAnewAfterALongLife) {
  Backoff backoff;
  for (int i = 0; i < 5; ++i) static_cast<void>(backoff.after(1000));
  EXPECT_EQ(backoff.after(Backoff::kLongLifeUs), Backoff::kFirstUs);
}

}  // namespace
}  // namespace daris::runtime
