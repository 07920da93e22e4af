#include "gpu/journal.hpp"

#include <chrono>
#include <stdexcept>
#include <string>

namespace daris::bench {
namespace {

constexpr std::chrono::milliseconds kPause{2};

}  // namespace

Journal::Journal(const trace::Ring& ring, std::vector<std::uint32_t> groups, std::size_t most_releases)
    : ring_(ring),
      groups_(std::move(groups)),
      moving_(groups_.size(), false),
      unit_jobs_(groups_.size(), 1),
      next_(ring.written()) {
  samples_.make_room(most_releases);
  thread_ = std::jthread([this](const std::stop_token& stop) { follow(stop); });
}

void Journal::follow(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    read();
    std::this_thread::sleep_for(kPause);
  }
}

Samples Journal::finish() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  read();
  if (lost_ > 0) throw std::runtime_error("the trace was overwritten: " + std::to_string(lost_) + " records");
  if (beyond_ > 0) throw std::runtime_error(std::to_string(beyond_) + " releases more than foreseen");
  return std::move(samples_);
}

void Journal::read() {
  const trace::Extract extract = ring_.readFrom(next_);
  lost_ += extract.overwritten;
  for (const trace::Record& record : extract.records) take(record);
  next_ = extract.first + extract.records.size();
}

void Journal::take(const trace::Record& record) {
  switch (record.kind) {
    case trace::Kind::Release:
      nominal_us_ = record.release.nominalUs;
      break;
    case trace::Kind::Migrate:
      moving_[record.task] = true;
      break;
    case trace::Kind::Admit:
      decided(record, Fate::Admitted);
      break;
    case trace::Kind::Reject:
      decided(record, Fate::Rejected);
      break;
    case trace::Kind::Skip:
      decided(record, Fate::Skipped);
      break;
    case trace::Kind::Dispatch:
      if (record.stage == 0) unit_jobs_[record.task] = record.dispatch.jobs;
      break;
    case trace::Kind::Finish:
    case trace::Kind::Drop:
      ended(record);
      break;
    default:
      break;
  }
}

void Journal::decided(const trace::Record& record, Fate fate) {
  if (samples_.releases.size() == samples_.releases.capacity()) {
    ++beyond_;
    return;
  }
  samples_.releases.push_back({.release_us = nominal_us_, .group = groups_[record.task], .fate = fate});
}

void Journal::ended(const trace::Record& record) {
  auto& jobs = samples_.jobs;
  if (jobs.size() == jobs.capacity()) return;
  jobs.push_back({.release_us = record.nowUs - record.finish.responseUs,
                  .response_us = static_cast<std::uint32_t>(record.finish.responseUs),
                  .group = groups_[record.task],
                  .end = record.finish.end,
                  .cause = record.finish.cause,
                  .missed = record.finish.missed,
                  .migrated = moving_[record.task],
                  .unit_jobs = unit_jobs_[record.task]});
  moving_[record.task] = false;
  unit_jobs_[record.task] = 1;
}

}  // namespace daris::bench
