// Rings of measurements per stage; the maxima are cached, so that reading an MRET costs nothing.
#include "sched/mret_window.hpp"

#include <algorithm>

namespace daris::sched {

void MretWindows::reset(std::span<const DurationUs> afetUs, std::uint32_t window) {
  window_ = window;
  stages_.assign(afetUs.size(), Stage{});
  entries_.assign(afetUs.size() * window, 0);
  totalUs_ = 0;
  afetUs_ = 0;
  for (std::uint32_t stage = 0; stage < stageCount(); ++stage) setAfet(stage, afetUs[stage]);
}

void MretWindows::adoptAfet(const MretWindows& other) {
  for (std::uint32_t stage = 0; stage < stageCount(); ++stage) setAfet(stage, other.stages_[stage].afetUs);
}

void MretWindows::setAfet(std::uint32_t stage, DurationUs afetUs) {
  afetUs_ += afetUs - stages_[stage].afetUs;
  stages_[stage].afetUs = afetUs;
  refresh(stage);
}

void MretWindows::resize(std::uint32_t window) {
  if (window == window_) return;
  std::vector<DurationUs> entries(stages_.size() * window, 0);
  for (std::uint32_t stage = 0; stage < stageCount(); ++stage) {
    const std::uint32_t count = stages_[stage].count;
    const std::uint32_t kept = std::min(count, window);
    for (std::uint32_t i = 0; i < kept; ++i) entries[stage * window + i] = entry(stage, count - kept + i);
    stages_[stage].oldest = 0;
    stages_[stage].count = kept;
  }
  entries_.swap(entries);
  window_ = window;
  for (std::uint32_t stage = 0; stage < stageCount(); ++stage) refresh(stage);
}

void MretWindows::record(std::uint32_t stage, DurationUs execUs) {
  Stage& s = stages_[stage];
  const DurationUs measuredUs = std::max<DurationUs>(execUs, 1);
  bool maximumLeaves = s.count == 0;  // AFET is only a stand-in
  if (s.count == window_) {
    maximumLeaves = entry(stage, 0) == s.mretUs;
    s.oldest = (s.oldest + 1) % window_;
    --s.count;
  }
  ++s.count;
  entry(stage, s.count - 1) = measuredUs;
  if (maximumLeaves || measuredUs > s.mretUs) refresh(stage);
}

void MretWindows::age() {
  for (std::uint32_t stage = 0; stage < stageCount(); ++stage) {
    Stage& s = stages_[stage];
    if (s.count == 0) continue;
    s.oldest = (s.oldest + 1) % window_;
    --s.count;
    refresh(stage);
  }
}

bool MretWindows::isMeasured() const {
  return std::ranges::all_of(stages_, [](const Stage& each) { return each.count > 0; });
}

DurationUs& MretWindows::entry(std::uint32_t stage, std::uint32_t age) {
  return entries_[stage * window_ + (stages_[stage].oldest + age) % window_];
}

void MretWindows::refresh(std::uint32_t stage) {
  Stage& s = stages_[stage];
  DurationUs mret = s.count == 0 ? s.afetUs : 0;
  for (std::uint32_t i = 0; i < s.count; ++i) mret = std::max(mret, entry(stage, i));
  totalUs_ += mret - s.mretUs;
  s.mretUs = mret;
}

}  // namespace daris::sched
