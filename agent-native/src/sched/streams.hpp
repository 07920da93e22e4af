// The streams of one context: which are free, what holds the others, and what held them lately.
// The lowest free stream is always taken first.
#pragma once

#include <bit>
#include <vector>

#include "sched/miss_cause.hpp"

namespace daris::sched {

class Streams {
 public:
  static constexpr std::uint32_t kNoStream = UINT32_MAX;

  /// Sets N_s. Streams beyond it that are busy finish and are then unused.
  void resize(std::uint32_t count) {
    count_ = count;
    if (count > histories_.size()) {
      histories_.resize(count);
      busy_.resize((count + 63) / 64, 0);
    }
  }

  [[nodiscard]] std::uint32_t count() const { return count_; }
  [[nodiscard]] std::uint32_t busyCount() const { return busyCount_; }

  [[nodiscard]] std::uint32_t lowestFree() const {
    for (std::uint32_t word = 0; word * 64 < count_; ++word) {
      if (~busy_[word] == 0) continue;
      const std::uint32_t stream = word * 64 + static_cast<std::uint32_t>(std::countr_one(busy_[word]));
      return stream < count_ ? stream : kNoStream;
    }
    return kNoStream;
  }

  void take(std::uint32_t stream) {
    busy_[stream / 64] |= std::uint64_t{1} << (stream % 64);
    ++busyCount_;
  }

  void giveBack(std::uint32_t stream, const Hold& hold) {
    busy_[stream / 64] &= ~(std::uint64_t{1} << (stream % 64));
    --busyCount_;
    histories_[stream].push(hold);
  }

  [[nodiscard]] const StreamHistory& history(std::uint32_t stream) const { return histories_[stream]; }

 private:
  std::uint32_t count_ = 0;
  std::uint32_t busyCount_ = 0;
  std::vector<std::uint64_t> busy_;  // one bit a stream
  std::vector<StreamHistory> histories_;
};

}  // namespace daris::sched
