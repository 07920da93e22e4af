#include "stage_drive.hpp"

namespace daris::bench {

namespace {

constexpr double kLoad = 1.5;
constexpr DurationUs kJobUs = 1000;

}  // namespace

sched::Config configOf(sched::Admission admission) {
  sched::Config config{{{132, kContexts, 1, kContexts}}, {}};
  config.policy.admission = admission;
  config.policy.mretAging = true;
  return config;
}

sched::TaskSpec specOf(std::uint64_t order, std::uint64_t tasks, std::mt19937& random) {
  sched::TaskSpec spec;
  spec.priority = order % 3 == 0 ? sched::Priority::High : sched::Priority::Low;
  spec.periodUs = static_cast<DurationUs>(static_cast<double>(tasks * kJobUs) / (kContexts * kLoad));
  spec.deadlineUs = spec.periodUs - random() % (spec.periodUs / 4);
  for (std::uint32_t stage = 0; stage < kStages; ++stage) spec.afetUs.push_back(150 + random() % 200);
  spec.order = order;
  return spec;
}

}  // namespace daris::bench
