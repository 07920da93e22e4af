#include "gpu/watched_engine.hpp"

namespace daris::bench {

WatchedEngine::WatchedEngine(engine::Engine& engine, std::uint32_t stages, std::size_t most_jobs)
    : engine_(engine), stages_(stages) {
  jobs_us_.reserve(most_jobs);
}

void WatchedEngine::watch(std::int64_t from_us, std::int64_t to_us) {
  from_us_ = from_us;
  to_us_ = to_us;
  jobs_us_.clear();
  failed_ = 0;
}

std::size_t WatchedEngine::poll(std::span<engine::Completion> completions) noexcept {
  const std::size_t count = engine_.poll(completions);
  for (std::size_t i = 0; i < count; ++i) ended(completions[i]);
  return count;
}

void WatchedEngine::ended(const engine::Completion& completion) noexcept {
  if (completion.stage == 0) began_us_[completion.slot] = completion.started_us;
  if (completion.error != nullptr) ++failed_;
  const bool counts = completion.finished_us >= from_us_ && completion.finished_us < to_us_;
  if (completion.stage + 1 != stages_ || !counts || jobs_us_.size() == jobs_us_.capacity()) return;
  jobs_us_.push_back(completion.finished_us - began_us_[completion.slot]);
}

}  // namespace daris::bench
