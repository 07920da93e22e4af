// See responses.hpp.
#include "simulator/responses.hpp"

#include <algorithm>

namespace daris::simulator {

void Responses::merge(const Responses& other) {
  for (const auto& [us, count] : other.counts_) counts_[us] += count;
}

Responses::Figures Responses::figures() const {
  std::vector<std::pair<DurationUs, std::uint64_t>> sorted(counts_.begin(), counts_.end());
  std::sort(sorted.begin(), sorted.end());
  Figures out;
  sched::Wide sum = 0;
  for (const auto& [us, count] : sorted) {
    out.count += count;
    sum += static_cast<sched::Wide>(us) * static_cast<sched::Wide>(count);
  }
  if (out.count == 0) return out;
  // Nearest rank: the least value with at least p of all values at or below it.
  const auto atRank = [&](std::uint64_t perMille) {
    std::uint64_t rank = (out.count / 1000) * perMille + ((out.count % 1000) * perMille + 999) / 1000;
    for (const auto& [us, count] : sorted) {
      if (rank <= count) return us;
      rank -= count;
    }
    return sorted.back().first;
  };
  out.p50Us = atRank(500);
  out.p99Us = atRank(990);
  out.p999Us = atRank(999);
  out.maxUs = sorted.back().first;
  out.meanUs = static_cast<double>(sum) / static_cast<double>(out.count);
  return out;
}

}  // namespace daris::simulator
