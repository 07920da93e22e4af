#include "gpu/watched_engine.hpp"

#include <chrono>
#include <cstring>

namespace daris::bench {
namespace {

std::int64_t steady_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

}  // namespace

WatchedEngine::WatchedEngine(engine::Engine& engine, std::size_t most_jobs) : engine_(engine) {
  jobs_us_.assign(most_jobs, 0);  // touched, so that memory does not seem to grow while jobs run
  jobs_us_.clear();
}

void WatchedEngine::attend(const engine::Slot& slot, std::uint32_t stages) {
  watched_[&slot] = {.stages = stages};
}

void WatchedEngine::expect_outputs(const engine::Slot& slot) {
  const auto holds = slot.output(0);
  watched_.at(&slot).expected.assign(holds.begin(), holds.end());
}

void WatchedEngine::expect_nothing() {
  for (auto& [slot, watched] : watched_) watched.expected.clear();
}

void WatchedEngine::watch(std::int64_t from_us, std::int64_t to_us) {
  from_us_ = from_us;
  to_us_ = to_us;
  jobs_us_.clear();
  jobs_ = failed_ = compared_ = different_ = 0;
}

void WatchedEngine::launch(const engine::Launch& launch) noexcept {
  if (rounds_ == nullptr) return engine_.launch(launch);
  const std::int64_t from = steady_ns();
  engine_.launch(launch);
  rounds_->launched(steady_ns() - from);
}

std::size_t WatchedEngine::poll(std::span<engine::Completion> completions) noexcept {
  if (rounds_ != nullptr) rounds_->polled(steady_ns(), ring_->written());
  const std::size_t count = engine_.poll(completions);
  for (std::size_t i = 0; i < count; ++i) ended(completions[i]);
  return count;
}

void WatchedEngine::ended(const engine::Completion& completion) noexcept {
  const auto found = watched_.find(completion.slot);
  if (found == watched_.end()) return;
  Watched& watched = found->second;
  if (completion.stage == 0) watched.began_us = completion.started_us;
  if (completion.error != nullptr) ++failed_;
  if (completion.stage + 1 != watched.stages) return;
  if (!watched.expected.empty()) compare(*completion.slot, watched);
  if (completion.finished_us < from_us_ || completion.finished_us >= to_us_) return;
  ++jobs_;
  if (jobs_us_.size() < jobs_us_.capacity()) jobs_us_.push_back(completion.finished_us - watched.began_us);
}

/// Nothing has been launched on the slot since, so its outputs are this job's.
void WatchedEngine::compare(const engine::Slot& slot, const Watched& watched) noexcept {
  const auto holds = slot.output(0);
  ++compared_;
  if (std::memcmp(holds.data(), watched.expected.data(), watched.expected.size()) != 0) ++different_;
}

}  // namespace daris::bench
