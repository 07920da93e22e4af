// How often this program has allocated or freed. Whoever links daris_test_heap has the global operator new
// replaced, so it wants a program of its own.
#pragma once

#include <cstdint>

namespace daris::test {

/// Since the program began, by all threads.
[[nodiscard]] std::uint64_t heap_changes() noexcept;

}  // namespace daris::test
