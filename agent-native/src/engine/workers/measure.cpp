#include "engine/workers/measure.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

namespace daris::engine::workers {
namespace {

constexpr std::uint32_t kWarmUpJobs = 1;
constexpr std::int64_t kNsPerUs = 1000;

std::int64_t now_ns() {
  using std::chrono::steady_clock;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

/// A slot on its way through the model, again and again.
struct Runner {
  std::uint32_t stage = 0;
  std::uint32_t jobs = 0;
  std::int64_t launched_ns = 0;
};

class Measurement {
 public:
  Measurement(WorkerTeam& team, std::span<const std::unique_ptr<RemoteSlot>> slots, const MeasureTerms& terms)
      : team_(team), slots_(slots), terms_(terms), runners_(slots.size()), sums_(terms.stages) {}

  [[nodiscard]] std::vector<std::int64_t> run(const std::stop_token& stop) {
    for (std::size_t i = 0; i < slots_.size(); ++i) launch(i);
    while (running_ > 0) {
      if (!take_ends(stop.stop_requested())) std::this_thread::yield();
    }
    if (!error_.empty()) throw EngineError("StageFailed", error_);
    if (stop.stop_requested()) throw EngineError("Cancelled", "measuring was cancelled");
    std::vector<std::int64_t> means;
    for (const Sum& sum : sums_) {
      const std::int64_t divisor = kNsPerUs * std::max<std::int64_t>(sum.count, 1);
      means.push_back((sum.ns + divisor - 1) / divisor);
    }
    return means;
  }

 private:
  struct Sum {
    std::int64_t ns = 0;
    std::int64_t count = 0;
  };

  [[nodiscard]] Mailbox& mailbox_of(std::size_t slot) const {
    return team_.links[slots_[slot]->context()].mailbox();
  }

  void launch(std::size_t i) {
    Runner& runner = runners_[i];
    runner.launched_ns = now_ns();
    ++running_;
    Mailbox& mailbox = mailbox_of(i);
    (void)mailbox.measuring.launches.push(
        {.slot = slots_[i]->word(),
         .stage = runner.stage,
         .stream = static_cast<std::uint32_t>(i % terms_.streams_per_context)});
    mailbox.doorbell.ring();
  }

  [[nodiscard]] bool take_ends(bool stopping) {
    bool any = false;
    for (std::size_t first = 0; first < slots_.size(); first += terms_.streams_per_context) {
      while (const auto end = mailbox_of(first).measuring.ends.pop()) {
        ended(first + end->stream % terms_.streams_per_context, end->failed != 0, stopping);
        any = true;
      }
    }
    return any;
  }

  void ended(std::size_t i, bool failed, bool stopping) {
    Runner& runner = runners_[i];
    --running_;
    if (failed) error_ = slots_[i]->error();
    // All go on until the last one is through, so each stage that counts ran beside busy ones.
    if (runner.jobs >= kWarmUpJobs && !through_) {
      sums_[runner.stage].ns += now_ns() - runner.launched_ns;
      ++sums_[runner.stage].count;
    }
    runner.stage = (runner.stage + 1) % terms_.stages;
    if (runner.stage == 0) ++runner.jobs;
    const std::uint32_t wanted = terms_.repetitions + kWarmUpJobs;
    through_ = through_ || std::ranges::all_of(runners_, [&](const Runner& r) { return r.jobs >= wanted; });
    if (!through_ && !stopping && error_.empty()) launch(i);
  }

  WorkerTeam& team_;
  std::span<const std::unique_ptr<RemoteSlot>> slots_;
  MeasureTerms terms_;
  std::vector<Runner> runners_;
  std::vector<Sum> sums_;  // by stage
  std::size_t running_ = 0;
  bool through_ = false;  // every slot has done its jobs
  std::string error_;
};

}  // namespace

std::vector<std::int64_t> mean_stage_us(WorkerTeam& team, std::span<const std::unique_ptr<RemoteSlot>> slots,
                                        const MeasureTerms& terms, const std::stop_token& stop) {
  return Measurement(team, slots, terms).run(stop);
}

}  // namespace daris::engine::workers
