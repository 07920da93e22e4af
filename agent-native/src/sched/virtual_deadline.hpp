// Virtual deadlines of a job's stages (eq. 8), fixed at its release.
// Stage j ends its share at release + floor(D * (mret_1 + .. + mret_j) / mret); the last one equals the
// deadline.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "sched/mret_window.hpp"
#include "sched/utilization.hpp"

namespace daris::sched {

/// What a job carries of each of its stages from its release to its end.
struct StageTerms {
  TimeUs virtualDeadlineUs = 0;  // absolute
  DurationUs mretUs = 0;         // at release
};

/// The terms of all active jobs: a row for each, as long as the most stages that a job may have.
class StageTable {
 public:
  /// Makes room; what is there stays.
  void reserve(std::size_t jobs, std::size_t stages) {
    if (jobs <= jobs_ && stages <= stages_) return;
    jobs = std::max(jobs, jobs_);
    stages = std::max(stages, stages_);
    std::vector<StageTerms> rows(jobs * stages);
    for (std::size_t job = 0; job < jobs_; ++job)
      std::copy_n(rows_.begin() + job * stages_, stages_, rows.begin() + job * stages);
    rows_.swap(rows);
    jobs_ = jobs;
    stages_ = stages;
  }

  [[nodiscard]] std::span<StageTerms> operator[](std::uint32_t job) {
    return {rows_.data() + job * stages_, stages_};
  }
  [[nodiscard]] std::span<const StageTerms> operator[](std::uint32_t job) const {
    return {rows_.data() + job * stages_, stages_};
  }

 private:
  std::vector<StageTerms> rows_;
  std::size_t jobs_ = 0;
  std::size_t stages_ = 0;
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
