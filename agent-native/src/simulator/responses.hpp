// Response times as exact counts per value: percentiles by nearest rank, however long the run.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "sched/utilization.hpp"

namespace daris::simulator {

class Responses {
 public:
  void add(DurationUs responseUs) { ++counts_[responseUs]; }
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
  std::unordered_map<DurationUs, std::uint64_t> counts_;
};

}  // namespace daris::simulator
