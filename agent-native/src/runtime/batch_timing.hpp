// What the stages of a model take at a batch size.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.hpp"

namespace daris::runtime {

struct BatchTiming {
  std::uint32_t size = 0;
  std::vector<DurationUs> stageAfetUs;       // empty: not measured
  std::vector<DurationUs> stageMretUs = {};  // of units of as many jobs, where such have run; else empty

  bool operator==(const BatchTiming&) const = default;
  [[nodiscard]] DurationUs totalUs() const;  // of the AFETs
};

}  // namespace daris::runtime
