#include "engine/partition.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>
#include <string>

namespace daris::engine {
namespace {

// Less a little, so that 1.1 * 10 / 11 is not rounded up to 2 by the error of the product.
constexpr double kRounding = 1e-9;

void check(const Partitioning& wanted) {
  if (wanted.contexts == 0 || wanted.streams_per_context == 0) {
    throw std::invalid_argument("contexts and streams per context must be at least 1");
  }
  // Written so that NaN is refused too.
  if (!(wanted.oversubscription >= 1 && wanted.oversubscription <= wanted.contexts)) {
    throw std::invalid_argument("oversubscription " + std::to_string(wanted.oversubscription) +
                                " must be from 1 to the number of contexts, " +
                                std::to_string(wanted.contexts));
  }
}

}  // namespace

std::vector<std::vector<std::uint32_t>> divide_cores(std::span<const std::uint32_t> cores,
                                                     const Partitioning& partitioning) {
  if (cores.empty()) throw std::invalid_argument("no cores: a context needs at least one");
  check(partitioning);
  const double share =
      partitioning.oversubscription * static_cast<double>(cores.size()) / partitioning.contexts;
  const auto size = static_cast<std::size_t>(std::max(1.0, std::ceil(share - kRounding)));
  std::vector<std::vector<std::uint32_t>> contexts(partitioning.contexts);
  std::size_t next = 0;
  for (auto& context : contexts) {
    for (std::size_t i = 0; i < size; ++i) context.push_back(cores[next++ % cores.size()]);
    std::ranges::sort(context);
  }
  return contexts;
}

std::uint32_t sms_per_context(std::uint32_t sms, const Partitioning& partitioning) {
  check(partitioning);
  const double share = partitioning.oversubscription * sms / partitioning.contexts;
  if (share < 1 - kRounding) {
    throw std::invalid_argument(std::to_string(partitioning.contexts) + " contexts at oversubscription " +
                                std::to_string(partitioning.oversubscription) + " have less than one of " +
                                std::to_string(sms) + " SMs each");
  }
  const auto pairs = static_cast<std::uint32_t>(std::ceil((share - kRounding) / 2));
  return std::min(2 * pairs, sms);
}

double streams_per_core(std::span<const std::vector<std::uint32_t>> contexts,
                        std::uint32_t streams_per_context) {
  std::map<std::uint32_t, double> load;
  double busiest = 1;
  for (const auto& cores : contexts) {
    for (const std::uint32_t core : cores) {
      load[core] += static_cast<double>(streams_per_context) / static_cast<double>(cores.size());
      busiest = std::max(busiest, load[core]);
    }
  }
  return busiest;
}

}  // namespace daris::engine
