// What a lane that has nothing to do takes of the jobs that wait: rules without admission, to compare with.
// Pure: no clock, no engine; all of it allocates only while its queues grow.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <vector>

#include "base/time.hpp"

namespace daris::bench {

struct WaitingJob {
  TimeUs release_us = 0;
  TimeUs deadline_us = 0;
  std::uint32_t task = 0;
  std::uint32_t class_index = 0;
  bool high = false;
};

class QueueRule {
 public:
  virtual ~QueueRule() = default;

  /// A job has come.
  virtual void enqueue(const WaitingJob& job) = 0;
  /// Fills `unit` with the jobs, all of one class, that a free lane takes now; with none where it takes none.
  virtual void take(TimeUs now, std::vector<WaitingJob>& unit) = 0;
  /// Empties the queue.
  [[nodiscard]] virtual std::vector<WaitingJob> leftover() = 0;
};

/// A lane takes at once what is there: high-priority jobs first, then by deadline, as many of the first one's
/// class as its largest size holds. Nobody waits for company.
class FreeLaneRule final : public QueueRule {
 public:
  /// `most[class]` jobs go together.
  explicit FreeLaneRule(const std::vector<std::uint32_t>& most);

  void enqueue(const WaitingJob& job) override;
  void take(TimeUs now, std::vector<WaitingJob>& unit) override;
  [[nodiscard]] std::vector<WaitingJob> leftover() override;

 private:
  struct Queue {
    std::uint32_t most = 1;
    std::vector<WaitingJob> heap{};  // the best one first
  };

  [[nodiscard]] Queue* best();

  std::vector<Queue> queues_;  // by class
};

/// What is asked of Triton's dynamic batcher, by the names of its model configuration.
struct TritonTerms {
  std::uint32_t max_batch_size = 1;
  std::set<std::uint32_t> preferred_batch_size{};  ///< empty: the largest, as Triton fills it in
  DurationUs max_queue_delay_us = 0;
};

/// The rule of Triton's dynamic batcher (GetDynamicBatch in its core's dynamic_batch_scheduler.cc, as of
/// 73aad7c), with two priority levels and its default queue policies, which neither time out nor refuse. With
/// priority levels a batch is formed when an instance waits for one, so that no formed batch grows later.
///
///   pending    the first max_batch_size requests by level, then arrival
///   preferred  the largest preferred size that pending fills: sent at once, unless the delay has passed
///   else       pending is sent if it can grow no more, if its oldest request has waited for the delay, or if
///              there is no delay; otherwise it waits
class TritonRule final : public QueueRule {
 public:
  /// Of one class. Throws std::invalid_argument where a preferred size is over the largest.
  explicit TritonRule(TritonTerms terms);

  void enqueue(const WaitingJob& job) override;
  void take(TimeUs now, std::vector<WaitingJob>& unit) override;
  [[nodiscard]] std::vector<WaitingJob> leftover() override;

 private:
  [[nodiscard]] std::size_t batch(TimeUs now) const;
  [[nodiscard]] TimeUs oldest(std::size_t pending) const;

  TritonTerms terms_;
  std::deque<WaitingJob> high_;
  std::deque<WaitingJob> low_;
};

}  // namespace daris::bench
