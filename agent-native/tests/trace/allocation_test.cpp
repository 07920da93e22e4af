// Recording allocates and frees nothing on the per-stage path. Its own program, since it counts all changes
// of the heap.
#include <gtest/gtest.h>

#include "base/heap_changes.hpp"
#include "trace/traffic.hpp"

namespace daris::test {
namespace {

class RecordedScheduler : public testing::TestWithParam<bool> {};

TEST_P(RecordedScheduler, AllocatesNothingBetweenChanges) {
  trace::Ring ring(1 << 12);
  Traffic traffic(ring, GetParam());
  for (int i = 0; i < 4; ++i) {
    traffic.change();
    const std::uint64_t before = heap_changes(), written = ring.written();
    traffic.run(50'000);
    EXPECT_EQ(heap_changes(), before);
    EXPECT_GT(ring.written(), written + 1000);
  }
}

INSTANTIATE_TEST_SUITE_P(Joining, RecordedScheduler, testing::Bool());

}  // namespace
}  // namespace daris::test
