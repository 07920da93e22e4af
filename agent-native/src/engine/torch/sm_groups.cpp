#include "engine/torch/sm_groups.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace daris::engine::torch {

std::uint32_t sms_of_share(std::uint32_t sms, const Partitioning& wanted) {
  if (wanted.contexts == 0 || wanted.streams_per_context == 0) {
    throw std::invalid_argument("contexts and streams per context must be at least 1");
  }
  // Written so that NaN is refused too.
  if (!(wanted.oversubscription >= 1 && wanted.oversubscription <= wanted.contexts)) {
    throw std::invalid_argument("oversubscription " + std::to_string(wanted.oversubscription) +
                                " must be from 1 to the number of contexts, " +
                                std::to_string(wanted.contexts));
  }
  // Less a little, so that the error of the product does not make the next even number of an even share.
  constexpr double kRounding = 1e-9;
  const double share = wanted.oversubscription * sms / wanted.contexts;
  return std::min(sms, static_cast<std::uint32_t>(2 * std::ceil(share / 2 - kRounding)));
}

std::vector<SmGroups> deal_groups(std::uint32_t sms, const SmSplit& split, const Partitioning& wanted) {
  const std::uint32_t share = sms_of_share(sms, wanted);
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
