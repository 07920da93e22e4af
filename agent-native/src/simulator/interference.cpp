// Slowdown from SMs and neighbours, and the end that follows from it.
#include "simulator/interference.hpp"

#include <algorithm>
#include <stdexcept>

#include "sched/partition.hpp"

namespace daris::simulator {

namespace {

using sched::Wide;

constexpr std::int64_t kWhole = 1'000'000;
constexpr std::int64_t kPsPerUs = 1'000'000;
constexpr TimeUs kNever = INT64_MAX;
constexpr Wide kMostWide = ~(Wide{1} << 127);

/// `now + ceil(left · slowdown)`, or never where no clock would reach it.
TimeUs endOf(TimeUs now, Wide leftPs, std::int64_t slowdownPpm) {
  const Wide unit = Wide{kWhole} * kPsPerUs;
  if (leftPs > (kMostWide - unit) / slowdownPpm) return kNever;
  const Wide endUs = now + (leftPs * slowdownPpm + unit - 1) / unit;
  return endUs > kNever ? kNever : static_cast<TimeUs>(endUs);
}

}  // namespace

SharedGpu::SharedGpu(const sched::GpuConfig& gpu)
    : sms_(gpu.smCount),
      contextSms_(sched::smsPerContext(gpu)),
      contexts_(gpu.contexts),
      densityPpm_(gpu.contexts, 0) {}

void SharedGpu::start(const RunningStage& run, Demand demand, TimeUs now) {
  Stage stage{.run = run, .startUs = now, .sinceUs = now};
  stage.leftPs = Wide{run.execUs} * kPsPerUs;
  stage.narrowPpm = kWhole + demand.smPpm * (sms_ - contextSms_) / contextSms_;
  stage.densityPpm =
      static_cast<std::int64_t>(Wide{demand.smPpm} * sms_ * kWhole / (Wide{contextSms_} * stage.narrowPpm));
  stage.memoryPpm = demand.memoryPpm;
  densityPpm_[run.context.index] += stage.densityPpm;
  allDensityPpm_ += stage.densityPpm;
  allMemoryPpm_ += stage.memoryPpm;
  stages_.push_back(stage);
}

RunningStage SharedGpu::end(sched::ContextRef context, std::uint32_t stream, TimeUs now) {
  const auto stage = std::ranges::find_if(
      stages_, [&](const Stage& each) { return each.run.context == context && each.run.stream == stream; });
  if (stage == stages_.end()) throw std::logic_error("a stage ends that does not run");
  RunningStage done = stage->run;
  done.execUs = now - stage->startUs;
  densityPpm_[context.index] -= stage->densityPpm;
  allDensityPpm_ -= stage->densityPpm;
  allMemoryPpm_ -= stage->memoryPpm;
  *stage = stages_.back();
  stages_.pop_back();
  return done;
}

bool SharedGpu::completesAt(sched::ContextRef context, std::uint32_t stream, TimeUs at) const {
  return std::ranges::any_of(stages_, [&](const Stage& each) {
    return each.run.context == context && each.run.stream == stream && each.run.atUs == at;
  });
}

Wide SharedGpu::unfinishedUs(TimeUs now) const {
  Wide sum = 0;
  for (const Stage& stage : stages_) sum += now - stage.startUs;
  return sum;
}

/// Contexts take their SMs evenly: with all contexts' SMs summed up beyond the GPU's, each of the others is
/// on as large a part of this one's.
std::int64_t SharedGpu::slowdownOf(const Stage& stage) const {
  const std::int64_t own = densityPpm_[stage.run.context.index];
  const std::int64_t doubled = std::max<std::int64_t>(0, contexts_ * contextSms_ - sms_);
  const Wide others = Wide{std::max<std::int64_t>(1, contexts_ - 1)} * sms_;
  const Wide beside = Wide{allDensityPpm_ - own} * doubled / others;
  const Wide pressure = allMemoryPpm_ - stage.memoryPpm + own - stage.densityPpm + beside;
  return static_cast<std::int64_t>(stage.narrowPpm * (kWhole + pressure) / kWhole);
}

/// A slowdown that stays leaves the end as it is, so that nothing is rounded twice.
void SharedGpu::stretch(Stage& stage, TimeUs now) const {
  const std::int64_t slowdown = slowdownOf(stage);
  if (slowdown == stage.slowdownPpm) return;
  if (stage.slowdownPpm != 0)
    stage.leftPs -= Wide{now - stage.sinceUs} * kWhole * kPsPerUs / stage.slowdownPpm;
  stage.sinceUs = now;
  stage.slowdownPpm = slowdown;
  stage.run.atUs = endOf(now, stage.leftPs, slowdown);
}

}  // namespace daris::simulator
