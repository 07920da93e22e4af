// What stages that run on one GPU take from each other, and when each of them completes for it:
// docs/paper-model.md. Whole numbers only, so that a scenario gives the same bytes everywhere.
#pragma once

#include <cstdint>
#include <vector>

#include "sched/types.hpp"
#include "sched/utilization.hpp"
#include "simulator/running_stage.hpp"
#include "simulator/scenario.hpp"

namespace daris::simulator {

/// The stages that run on one GPU. They are few, so each change looks at all of them.
class SharedGpu {
 public:
  explicit SharedGpu(const sched::GpuConfig& gpu);

  /// `run.execUs` is what it takes alone on the whole GPU; when it completes is known after the next
  /// `retime`.
  void start(const RunningStage& run, Demand demand, TimeUs now);

  /// As it was started, with what it really took. Its stream must run one.
  RunningStage end(sched::ContextRef context, std::uint32_t stream, TimeUs now);

  /// Whether that stream runs a stage that completes then.
  [[nodiscard]] bool completesAt(sched::ContextRef context, std::uint32_t stream, TimeUs at) const;

  /// To be called at each instant at which stages ended or started, after all of them. Calls
  /// `moved(const RunningStage&)` for each that now completes at another time than before.
  template <typename Moved>
  void retime(TimeUs now, Moved moved) {
    for (Stage& stage : stages_) {
      const TimeUs before = stage.run.atUs;
      stretch(stage, now);
      if (stage.run.atUs != before) moved(stage.run);
    }
  }

  /// Time of all streams since their stages started.
  [[nodiscard]] sched::Wide unfinishedUs(TimeUs now) const;

 private:
  struct Stage {
    RunningStage run;
    TimeUs startUs = 0;
    TimeUs sinceUs = 0;            // since when it has its slowdown
    sched::Wide leftPs = 0;        // of its time alone, at `sinceUs`
    std::int64_t narrowPpm = 0;    // its slowdown by its context's SMs alone
    std::int64_t densityPpm = 0;   // what it keeps busy of its context's SMs
    std::int64_t memoryPpm = 0;    // what it takes from all others, wherever they run
    std::int64_t slowdownPpm = 0;  // 0: none yet
  };

  [[nodiscard]] std::int64_t slowdownOf(const Stage& stage) const;
  void stretch(Stage& stage, TimeUs now) const;

  std::int64_t sms_;
  std::int64_t contextSms_;
  std::int64_t contexts_;
  std::vector<Stage> stages_;
  std::vector<std::int64_t> densityPpm_;  // of the stages of each context
  std::int64_t allDensityPpm_ = 0;
  std::int64_t allMemoryPpm_ = 0;
};

}  // namespace daris::simulator
