#include "runtime/statistics.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace daris::runtime {

RecentMisses& RecentMisses::operator=(const RecentMisses& other) {
  // They fill the ring from its beginning.
  std::copy_n(other.ring_.begin(), other.size_, ring_.begin());
  next_ = other.next_;
  size_ = other.size_;
  return *this;
}

void RecentMisses::add(Miss miss) {
  ring_[next_] = std::move(miss);
  next_ = (next_ + 1) % kMost;
  size_ = std::min(size_ + 1, kMost);
}

const Miss& RecentMisses::operator[](std::size_t i) const {
  assert(i < size_);
  return ring_[(next_ + kMost - 1 - i) % kMost];
}

TaskStatistics::TaskStatistics(const JobCounters& carried, std::uint64_t carriedMigrations) : jobs_(carried) {
  migrations_.count = carriedMigrations;
}

void TaskStatistics::released(const sched::ReleaseOutcome& outcome, std::int64_t wallUs) {
  if (outcome.decision == sched::Decision::Early) {
    ++jobs_.early;
    return;
  }
  ++jobs_.released;
  decided(outcome, wallUs);
}

void TaskStatistics::waitingReleased(const sched::ReleaseOutcome& outcome, std::int64_t wallUs) {
  decided(outcome, wallUs);
}

void TaskStatistics::decided(const sched::ReleaseOutcome& outcome, std::int64_t wallUs) {
  if (outcome.decision == sched::Decision::Skipped) ++jobs_.skipped;
  if (outcome.decision == sched::Decision::Rejected) rejected(outcome.rejectedBy);
  if (outcome.decision == sched::Decision::Admitted) ++jobs_.admitted;
  if (outcome.superseded) ++jobs_.superseded;
  if (!outcome.migratedFrom) return;
  migrations_ = {migrations_.count + 1, outcome.migratedFrom->index, outcome.context.index, wallUs};
}

void TaskStatistics::rejected(sched::Admission by) {
  ++jobs_.rejected;
  ++(by == sched::Admission::Predicted ? jobs_.rejectedByPrediction : jobs_.rejectedByUtilization);
}

void TaskStatistics::omitted(std::uint64_t count) {
  jobs_.released += count;
  jobs_.skipped += count;
}

void TaskStatistics::overdue() {
  ++jobs_.missed;
}

void TaskStatistics::ended(const sched::JobEnd& end, bool missCounted, std::int64_t wallUs,
                           std::shared_ptr<const std::string> behind) {
  if (end.end == sched::End::Dropped) ++jobs_.dropped;
  if (end.end == sched::End::Failed) ++jobs_.failed;
  if (end.end == sched::End::Completed) {
    ++jobs_.completed;
    response_.record(end.responseUs);
    if (!end.missed) ++jobs_.onTime;
  }
  if (!end.missed) return;
  if (!missCounted) ++jobs_.missed;
  misses_.add({wallUs, end.lateUs, end.cause, std::move(behind)});
}

}  // namespace daris::runtime
