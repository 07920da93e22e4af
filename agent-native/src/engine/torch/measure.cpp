#include "engine/torch/measure.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace daris::engine::torch {
namespace {

constexpr std::uint32_t kWarmUpJobs = 1;

std::int64_t now_ns() {
  using std::chrono::steady_clock;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

/// All slots at once, each going from stage to stage and from job to job.
class Measurement {
 public:
  Measurement(Lanes& lanes, std::span<const std::unique_ptr<TorchSlot>> slots,
              std::uint32_t streams_per_context, std::uint32_t repetitions, const Pace* pace)
      : lanes_(lanes),
        slots_(slots),
        streams_per_context_(streams_per_context),
        stages_(slots.front()->stages()),
        wanted_(repetitions + kWarmUpJobs),
        pace_(pace),
        jobs_(slots.size(), 0),
        launched_ns_(slots.size(), 0),
        total_ns_(stages_, 0),
        counted_(stages_, 0) {}

  [[nodiscard]] std::vector<std::int64_t> run(const std::stop_token& stop) {
    for (std::size_t i = 0; i < slots_.size(); ++i) launch(i, 0);
    while (!lanes_.idle()) {
      const std::int64_t now = now_ns();
      const std::size_t count = lanes_.poll(completions_, now / 1000);
      for (std::size_t i = 0; i < count; ++i) ended(completions_[i], now, stop.stop_requested());
      if (const char* fault = lanes_.fault(now / 1000)) throw EngineError("StageFailed", fault);
    }
    if (!error_.empty()) throw EngineError("StageFailed", error_);
    if (stop.stop_requested()) throw EngineError("Cancelled", "measuring was cancelled");
    for (std::size_t i = 0; i < stages_; ++i) total_ns_[i] /= std::max<std::int64_t>(counted_[i], 1);
    return total_ns_;
  }

 private:
  void launch(std::size_t slot, std::uint32_t stage) {
    launched_ns_[slot] = now_ns();
    const auto stream = static_cast<std::uint32_t>(slot % streams_per_context_);
    lanes_.launch(
        {.slot = slots_[slot].get(), .stage = stage, .stream = stream, .tag = slot, .urgency = Urgency::Low},
        launched_ns_[slot] / 1000);
  }

  void ended(const Completion& completion, std::int64_t now, bool stopping) {
    const std::size_t slot = completion.tag;
    if (completion.error != nullptr) error_ = completion.error;
    // All slots go on until the last one is through, so each stage that counts ran beside busy ones.
    const bool counts = jobs_[slot] >= kWarmUpJobs && !through_;
    if (counts) {
      total_ns_[completion.stage] += now - launched_ns_[slot];
      ++counted_[completion.stage];
    }
    if (pace_ != nullptr) pace_->rest_after(std::chrono::nanoseconds(now - launched_ns_[slot]));
    const auto next = static_cast<std::uint32_t>((completion.stage + 1) % stages_);
    if (next == 0 && ++jobs_[slot] >= wanted_) through_ = through_ || std::ranges::min(jobs_) >= wanted_;
    if (!through_ && !stopping && error_.empty()) launch(slot, next);
  }

  Lanes& lanes_;
  std::span<const std::unique_ptr<TorchSlot>> slots_;
  std::uint32_t streams_per_context_;
  std::size_t stages_;
  std::uint32_t wanted_;
  const Pace* pace_;
  std::vector<std::uint32_t> jobs_;
  std::vector<std::int64_t> launched_ns_;
  std::vector<std::int64_t> total_ns_;
  std::vector<std::int64_t> counted_;
  std::array<Completion, 64> completions_;
  std::string error_;
  bool through_ = false;  // every slot has done its jobs
};

}  // namespace

std::vector<std::int64_t> mean_stage_ns(Lanes& lanes, std::span<const std::unique_ptr<TorchSlot>> slots,
                                        std::uint32_t streams_per_context, std::uint32_t repetitions,
                                        const std::stop_token& stop, const Pace* pace) {
  return Measurement(lanes, slots, streams_per_context, repetitions, pace).run(stop);
}

}  // namespace daris::engine::torch
