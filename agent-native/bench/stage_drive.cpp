#include "stage_drive.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

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

StageDrive::StageDrive(std::uint64_t tasks, sched::Admission admission)
    : sched_(std::move(sched::Scheduler::create(configOf(admission)).value())) {
  std::mt19937 random(1);
  for (std::uint64_t i = 0; i < tasks; ++i) {
    const sched::TaskSpec spec = specOf(i, tasks, random);
    periodUs_ = spec.periodUs;
    const auto phaseUs = static_cast<TimeUs>(random() % static_cast<std::uint64_t>(periodUs_));
    releases_.push_back({phaseUs, sched_.addTask(spec, 0)->task});
  }
  std::ranges::sort(releases_, {}, &Release::phaseUs);
}

void StageDrive::oneStage() {
  for (;;) {
    std::uint32_t first = 0;
    for (std::uint32_t context = 1; context < kContexts; ++context)
      if (running_[context].endUs < running_[first].endUs) first = context;
    if (periodStartUs_ + releases_[nextRelease_].phaseUs >= running_[first].endUs) return complete(first);
    release();
  }
}

void StageDrive::release() {
  const TimeUs now = periodStartUs_ + releases_[nextRelease_].phaseUs;
  const auto outcome = sched_.release(releases_[nextRelease_].task, {0, now}, now);
  if (++nextRelease_ == releases_.size()) {
    nextRelease_ = 0;
    periodStartUs_ += periodUs_;
  }
  if (outcome->decision == sched::Decision::Admitted) start(outcome->context.index, now);
}

void StageDrive::complete(std::uint32_t context) {
  Running& running = running_[context];
  const TimeUs now = std::exchange(running.endUs, INT64_MAX);
  const auto done = sched_.complete(running.unit, running.stage, running.execUs, now);
  if (!done.ok()) std::abort();  // a bug of the drive
  start(context, now);
}

void StageDrive::start(std::uint32_t context, TimeUs now) {
  const auto next = sched_.next({0, context}, now);
  if (next->kind != sched::NextKind::Run) return;
  random_ = random_ * 1664525 + 1013904223;
  const DurationUs execUs = 130 + (random_ >> 16) % 220;
  running_[context] = {now + execUs, execUs, next->run.unit, next->run.stage};
}

}  // namespace daris::bench
