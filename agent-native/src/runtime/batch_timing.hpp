// What the stages of a model take at a batch size.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.hpp"

namespace daris::runtime {

struct BatchTiming {
  std::uint32_t size = 0;
  std::vector<DurationUs> stageAfetUs;       // empty: not measured
  std::vector<DurationUs> stageMretUs = {};  // of units of as many jobs, where such have run; else empty

  bool operator==(const BatchTiming&) const = default;
};

/// Whether there is one for each of so many stages, and each can be a stage's time.
[[nodiscard]] inline bool areAfets(const std::vector<DurationUs>& afetUs, std::size_t stages) {
  return !afetUs.empty() && afetUs.size() == stages &&
         std::ranges::all_of(afetUs, [](DurationUs us) { return us >= 1 && us <= kMaxTimeUs; });
}

}  // namespace daris::runtime
