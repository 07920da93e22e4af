#include "runtime/models.hpp"

#include <algorithm>
#include <utility>

#include "runtime/compiled_code.hpp"

namespace daris::runtime {

namespace {

constexpr DurationUs kFirstRetryUs = 1'000'000;
constexpr DurationUs kLastRetryUs = 60'000'000;

DurationUs backoffUs(std::uint32_t failures) {
  return std::min(kLastRetryUs, kFirstRetryUs << std::min<std::uint32_t>(failures, 6));
}

void forgetFault(ObservedModel& told) {
  told.reason.clear();
  told.message.clear();
}

}  // namespace

void Models::want(const std::vector<DesiredModel>& desired, bool retry, const Refused& refused) {
  std::map<std::string, std::vector<std::string>> uris;
  for (const DesiredModel& model : desired) uris[model.digest].push_back(model.uri);
  for (auto& [digest, entry] : entries_) entry.wanted = uris.contains(digest);
  for (const auto& [digest, places] : uris) {
    const auto [found, isNew] = entries_.try_emplace(digest);
    Entry& entry = found->second;
    ObservedModel& told = table_[digest];
    const bool moved = entry.uris != places;
    entry.uris = places;
    if (isNew) {
      told.digest = digest;
      told.uri = places.front();
    }
    const auto no = refused.find(digest);
    if (no != refused.end()) {
      refuse(entry, told, no->second);
      continue;
    }
    const bool allowedAnew = std::exchange(entry.refused, false);
    const bool failed = told.phase == ModelPhase::Failed;
    if (retry && told.phase == ModelPhase::Ready) forgetFault(told);
    if (failed && (moved || allowedAnew)) told.phase = ModelPhase::Loading;
    if (allowedAnew) forgetFault(told);
    if (isNew || (failed && (retry || moved || allowedAnew))) start(digest, entry, 0);
  }
}

void Models::refuse(Entry& entry, ObservedModel& told, const std::string& why) {
  entry.refused = true;
  entry.attempt = ++attempts_;  // what was ordered before must not be opened any more
  if (entry.model) givenUp_.push_back(std::move(entry.model));
  told.phase = ModelPhase::Failed;
  told.reason = kCodeNotAllowed;
  told.message = why;
}

void Models::start(const std::string& digest, Entry& entry, DurationUs delayUs) {
  if (entry.loading) return;
  entry.attempt = ++attempts_;
  load_(digest, entry.attempt, delayUs);
}

std::optional<ModelRequest> Models::claim(const std::string& digest, std::uint64_t attempt) {
  const auto found = entries_.find(digest);
  if (found == entries_.end() || found->second.attempt != attempt || found->second.model) return std::nullopt;
  found->second.loading = true;
  return ModelRequest{digest, found->second.uris};
}

std::vector<std::shared_ptr<const engine::LoadedModel>> Models::dropUnused(
    const std::set<std::string, std::less<>>& used) {
  auto dropped = std::exchange(givenUp_, {});
  for (auto at = entries_.begin(); at != entries_.end();) {
    if (at->second.wanted || used.contains(at->first)) {
      ++at;
      continue;
    }
    if (at->second.model) dropped.push_back(std::move(at->second.model));
    table_.erase(at->first);
    at = entries_.erase(at);
  }
  return dropped;
}

void Models::loaded(const std::string& digest, LoadResult result) {
  const auto found = entries_.find(digest);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  ObservedModel& told = table_[digest];
  entry.loading = false;
  if (entry.refused) {
    if (result.model) givenUp_.push_back(std::move(result.model));
    return;
  }
  told.uri = result.uri;
  told.reason = std::move(result.reason);
  told.message = std::move(result.message);
  if (!result.model) {
    told.phase = ModelPhase::Failed;
    told.manifest = std::move(result.manifest);
    if (told.reason == "NotFound") start(digest, entry, backoffUs(entry.failures++));
    return;
  }
  entry.model = std::move(result.model);
  entry.sample = std::move(result.sample);
  entry.failures = 0;
  told.phase = ModelPhase::Ready;
  told.manifest = std::make_shared<const model::Manifest>(entry.model->manifest());
  told.memoryBytes = entry.model->memory_bytes();
  told.measured = false;
  told.batches.clear();
  for (const std::uint32_t batch : entry.model->batches()) told.batches.push_back({batch, {}});
}

void Models::measuring(const std::string& digest, std::uint32_t measured, std::uint32_t of) {
  const auto found = table_.find(digest);
  if (found == table_.end()) return;
  found->second.stagesMeasured = measured;
  found->second.stagesToMeasure = of;
}

void Models::outdated() {
  for (auto& [digest, told] : table_) {
    told.measured = false;
    told.stagesMeasured = told.stagesToMeasure = 0;
    if (told.phase == ModelPhase::Ready) forgetFault(told);
  }
}

void Models::measured(const std::string& digest, MeasureResult result) {
  const auto found = table_.find(digest);
  if (found == table_.end() || found->second.phase != ModelPhase::Ready) return;
  ObservedModel& told = found->second;
  told.reason = std::move(result.reason);
  told.message = std::move(result.message);
  if (!told.reason.empty()) return;
  told.batches = std::move(result.batches);
  told.measured = true;
}

std::shared_ptr<const engine::LoadedModel> Models::model(const std::string& digest) const {
  const auto found = entries_.find(digest);
  return found == entries_.end() ? nullptr : found->second.model;
}

std::shared_ptr<const SampleInputs> Models::sample(const std::string& digest) const {
  return entries_.find(digest)->second.sample;
}

}  // namespace daris::runtime
