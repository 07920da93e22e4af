// Recording allocates nothing on the per-stage path. Its own program, since it replaces the global operator
// new.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "trace/traffic.hpp"

namespace {
std::uint64_t allocations = 0;
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace daris::test {
namespace {

class RecordedScheduler : public testing::TestWithParam<bool> {};

TEST_P(RecordedScheduler, AllocatesNothingBetweenChanges) {
  trace::Ring ring(1 << 12);
  Traffic traffic(ring, GetParam());
  for (int i = 0; i < 4; ++i) {
    traffic.change();
    const std::uint64_t before = allocations, written = ring.written();
    traffic.run(50'000);
    EXPECT_EQ(allocations, before);
    EXPECT_GT(ring.written(), written + 1000);
  }
}

INSTANTIATE_TEST_SUITE_P(Joining, RecordedScheduler, testing::Bool());

}  // namespace
}  // namespace daris::test
