// The most recent execution times of a task's stages, and their maxima (eq. 1, 2).
// Before its first measurement a stage's AFET stands in as the window's only entry.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/time.hpp"

namespace daris::sched {

/// The MRET windows of all stages of one task. record() and age() allocate nothing.
class MretWindows {
 public:
  /// Forgets everything: `afetUs` one positive time per stage, `window` = ws >= 1.
  void reset(std::span<const DurationUs> afetUs, std::uint32_t window);

  /// Takes over the estimates of windows with as many stages; the own measurements are kept.
  void adoptAfet(const MretWindows& other);

  /// A new ws; the newest measurements are kept.
  void resize(std::uint32_t window);

  /// Adds a measurement. One of 0 us counts as 1, since MRETs divide (eq. 8).
  void record(std::uint32_t stage, DurationUs execUs);

  /// Drops the oldest measurement of each stage that has one.
  void age();

  [[nodiscard]] std::uint32_t stageCount() const { return static_cast<std::uint32_t>(stages_.size()); }
  /// Whether each stage has a measurement.
  [[nodiscard]] bool isMeasured() const;
  [[nodiscard]] DurationUs mretUs(std::uint32_t stage) const { return stages_[stage].mretUs; }
  [[nodiscard]] DurationUs totalUs() const { return totalUs_; }  // eq. 2
  [[nodiscard]] DurationUs totalAfetUs() const { return afetUs_; }

 private:
  struct Stage {
    DurationUs afetUs = 0;
    DurationUs mretUs = 0;
    std::uint32_t oldest = 0;
    std::uint32_t count = 0;
  };

  [[nodiscard]] DurationUs& entry(std::uint32_t stage, std::uint32_t age);
  void setAfet(std::uint32_t stage, DurationUs afetUs);
  void refresh(std::uint32_t stage);

  std::vector<Stage> stages_;
  std::vector<DurationUs> entries_;  // stage-major rings of `window_` each
  std::uint32_t window_ = 1;
  DurationUs totalUs_ = 0;
  DurationUs afetUs_ = 0;
};

}  // namespace daris::sched
