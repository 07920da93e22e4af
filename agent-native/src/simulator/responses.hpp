// Response times as exact counts per value: percentiles by nearest rank, however long the run.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "sched/utilization.hpp"

namespace daris::simulator {

class Responses {
 public:
  /// Amortized O(log n); at most twice as many entries are held as there are different values.
  void add(DurationUs responseUs) {
    recent_.emplace_back(responseUs, 1);
    compactIfMany();
  }
  void merge(const Responses& other);

  struct Figures {
    std::uint64_t count = 0;  // 0: the others mean nothing
    DurationUs p50Us = 0;
    DurationUs p99Us = 0;
    DurationUs p999Us = 0;
    DurationUs maxUs = 0;
    double meanUs = 0;
  };

  [[nodiscard]] Figures figures() const;

 private:
  using Counts = std::vector<std::pair<DurationUs, std::uint64_t>>;
  static constexpr std::size_t kLeastRecent = 1024;

  [[nodiscard]] Counts counted() const;
  void compactIfMany();

  Counts counts_;  // by ascending value
  Counts recent_;  // in any order, with repetitions
};

}  // namespace daris::simulator
