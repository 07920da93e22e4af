#include "trace/ring.hpp"

#include <algorithm>
#include <bit>

namespace daris::trace {

Ring::Ring(std::size_t capacity)
    : mask_(std::bit_ceil(capacity) - 1), slots_(std::make_unique<Slot[]>(mask_ + 1)) {}

/// False where the record was overwritten, or is being so.
bool Ring::copy(std::uint64_t number, Record& out) const {
  const Slot& slot = slots_[number & mask_];
  const std::uint64_t whole = 2 * number + 2;
  if (slot.stamp.load(std::memory_order_acquire) != whole) return false;
  Words words;
  for (std::size_t i = 0; i < kWords; ++i) words[i] = slot.words[i].load(std::memory_order_acquire);
  if (slot.stamp.load(std::memory_order_relaxed) != whole) return false;
  std::memcpy(static_cast<void*>(&out), words.data(), sizeof out);
  return true;
}

/// Instants never go back, so the first record that is late enough is found by halving. One that was
/// overwritten meanwhile was older than all that remain.
std::uint64_t Ring::firstSince(TimeUs sinceUs, std::uint64_t oldest, std::uint64_t end) const {
  Record record;
  while (oldest < end) {
    const std::uint64_t middle = oldest + (end - oldest) / 2;
    if (copy(middle, record) && record.nowUs >= sinceUs) {
      end = middle;
    } else {
      oldest = middle + 1;
    }
  }
  return oldest;
}

Extract Ring::readSince(TimeUs sinceUs) const {
  const std::uint64_t end = written();
  const std::uint64_t oldest = end > capacity() ? end - capacity() : 0;
  return readFrom(firstSince(sinceUs, oldest, end));
}

Extract Ring::readFrom(std::uint64_t wanted) const {
  const std::uint64_t end = written();
  Extract extract{wanted, 0, {}};
  extract.records.reserve(std::min<std::uint64_t>(end - std::min(wanted, end), capacity()));
  for (std::uint64_t number = wanted; number < end; ++number) {
    if (copy(number, extract.records.emplace_back())) continue;
    // The writer came past: all up to here is gone, and the rest shall be without a gap.
    extract.records.clear();
    extract.first = number + 1;
    extract.overwritten = extract.first - wanted;
  }
  return extract;
}

}  // namespace daris::trace
