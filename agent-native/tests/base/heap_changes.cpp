#include "base/heap_changes.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<std::uint64_t> changes{0};
}  // namespace

void* operator new(std::size_t size) {
  ++changes;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  ++changes;
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  ++changes;
  std::free(memory);
}

namespace daris::test {

std::uint64_t heap_changes() noexcept {
  return changes;
}

}  // namespace daris::test
