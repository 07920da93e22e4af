// See responses.hpp.
#include "simulator/responses.hpp"

#include <algorithm>

namespace daris::simulator {

namespace {

using Counts = std::vector<std::pair<DurationUs, std::uint64_t>>;

/// The counts of two ascending lists together.
Counts added(const Counts& a, const Counts& b) {
  Counts all(a.size() + b.size());
  std::merge(a.begin(), a.end(), b.begin(), b.end(), all.begin());
  std::size_t kept = 0;
  for (const auto& [us, count] : all) {
    if (kept > 0 && all[kept - 1].first == us)
      all[kept - 1].second += count;
    else
      all[kept++] = {us, count};
  }
  all.resize(kept);
  return all;
}

}  // namespace

void Responses::merge(const Responses& other) {
  recent_.insert(recent_.end(), other.counts_.begin(), other.counts_.end());
  recent_.insert(recent_.end(), other.recent_.begin(), other.recent_.end());
  compactIfMany();
}

/// As often as the counts double, so that n values cost O(n log n) in all.
void Responses::compactIfMany() {
  if (recent_.size() < kLeastRecent || recent_.size() < counts_.size()) return;
  counts_ = counted();
  recent_.clear();
}

Responses::Counts Responses::counted() const {
  Counts recent = recent_;
  std::sort(recent.begin(), recent.end());
  return added(counts_, recent);
}

Responses::Figures Responses::figures() const {
  const Counts sorted = counted();
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
