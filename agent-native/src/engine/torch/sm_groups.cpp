#include "engine/torch/sm_groups.hpp"

#include <algorithm>

namespace daris::engine::torch {

std::vector<SmGroups> deal_groups(std::uint32_t sms, const SmSplit& split, const Partitioning& wanted) {
  const std::uint32_t share = sms_per_context(sms, wanted);
  const std::uint32_t each = (share + split.size - 1) / split.size;
  std::vector<SmGroups> contexts(wanted.contexts);
  if (wanted.mode == PartitionMode::Streams || share == sms || each >= split.count) return contexts;
  std::uint32_t next = 0;
  for (SmGroups& groups : contexts) {
    for (std::uint32_t i = 0; i < each; ++i) groups.push_back(next++ % split.count);
    std::ranges::sort(groups);
  }
  return contexts;
}

}  // namespace daris::engine::torch
