// Virtual deadlines of a job's stages (eq. 8), fixed at its release.
// Stage j ends its share at release + floor(D * (mret_1 + .. + mret_j) / mret); the last one equals the
// deadline.
#pragma once

#include <span>

#include "sched/mret_window.hpp"
#include "sched/utilization.hpp"

namespace daris::sched {

/// What a job carries of each of its stages from its release to its end.
struct StageTerms {
  TimeUs virtualDeadlineUs = 0;  // absolute
  DurationUs mretUs = 0;         // at release
};

/// Fills one entry of `out` per stage of `windows`.
inline void setVirtualDeadlines(const MretWindows& windows, TimeUs releaseUs, DurationUs deadlineUs,
                                std::span<StageTerms> out) {
  Wide done = 0;
  for (std::uint32_t stage = 0; stage < windows.stageCount(); ++stage) {
    done += windows.mretUs(stage);
    const Wide share = done * deadlineUs / windows.totalUs();
    out[stage] = {releaseUs + static_cast<DurationUs>(share), windows.mretUs(stage)};
  }
}

/// The share of the first stage alone.
[[nodiscard]] inline TimeUs firstVirtualDeadline(const MretWindows& windows, TimeUs releaseUs,
                                                 DurationUs deadlineUs) {
  return releaseUs +
         static_cast<DurationUs>(static_cast<Wide>(windows.mretUs(0)) * deadlineUs / windows.totalUs());
}

}  // namespace daris::sched
