// The last records, in a fixed block of memory: written without allocation, lock, log or system call; read by
// any thread meanwhile, which never makes the writer wait.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <memory>
#include <vector>

#include "trace/record.hpp"

namespace daris::trace {

/// Records without a gap between them, oldest first. `first` of them were written before; if it is 0 they
/// begin with the start of the process.
struct Extract {
  std::uint64_t first = 0;
  std::uint64_t overwritten = 0;  // asked for, but overwritten while they were read
  std::vector<Record> records;
};

/// One thread at a time writes; a change of writer must be synchronized by the callers. A slot is guarded by
/// its stamp, a sequence lock: twice the record's number + 1 while it is written, + 2 once it is whole.
class Ring {
 public:
  /// Holds `capacity` records, rounded up to a power of two, at 96 bytes each. All memory is touched here.
  explicit Ring(std::size_t capacity);

  void write(const Record& record) noexcept {
    const std::uint64_t number = written_.load(std::memory_order_relaxed);
    Slot& slot = slots_[number & mask_];
    slot.stamp.store(2 * number + 1, std::memory_order_relaxed);
    Words words;
    std::memcpy(words.data(), &record, sizeof record);
    // Release: who sees one of these words sees the odd stamp, too.
    for (std::size_t i = 0; i < kWords; ++i) slot.words[i].store(words[i], std::memory_order_release);
    slot.stamp.store(2 * number + 2, std::memory_order_release);
    written_.store(number + 1, std::memory_order_release);
  }

  [[nodiscard]] std::size_t capacity() const { return mask_ + 1; }
  [[nodiscard]] std::uint64_t written() const { return written_.load(std::memory_order_acquire); }

  /// What was written until now and is not older than `sinceUs`. Any thread. Copies up to the whole ring.
  [[nodiscard]] Extract readSince(TimeUs sinceUs) const;

  /// The same from a record's number on; the first record that was ever written is 0.
  [[nodiscard]] Extract readFrom(std::uint64_t number) const;

 private:
  static constexpr std::size_t kWords = sizeof(Record) / sizeof(std::uint64_t);
  using Words = std::array<std::uint64_t, kWords>;

  struct alignas(32) Slot {
    std::atomic<std::uint64_t> stamp{0};
    std::array<std::atomic<std::uint64_t>, kWords> words{};
  };

  [[nodiscard]] bool copy(std::uint64_t number, Record& out) const;
  [[nodiscard]] std::uint64_t firstSince(TimeUs sinceUs, std::uint64_t oldest, std::uint64_t end) const;

  std::size_t mask_;
  std::unique_ptr<Slot[]> slots_;
  alignas(64) std::atomic<std::uint64_t> written_{0};
};

}  // namespace daris::trace
