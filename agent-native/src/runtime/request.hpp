// One inference request on its way: from a client's tensors through a job to an answer.
// It crosses threads by queues alone; when its client goes away, `abandoned` is raised and a Withdraw sent.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "engine/engine.hpp"
#include "sched/outcomes.hpp"

namespace daris::runtime {

/// One run of a task under one model; a task that gets another model becomes another instance.
using InstanceId = std::uint64_t;

enum class Answer : std::uint8_t {
  Completed,
  Rejected,    // `tested`
  Early,       // `retryAfterUs`
  Superseded,  // a newer input took its place
  Dropped,     // late when its next stage would have been dispatched; `lateUs`
  Failed,      // the engine failed; `error`
  Ended,       // the task was removed or replaced before it ran
  Cancelled,   // the client's deadline passed, or it went away, before a job was released
};

/// What became of a request; plain values, filled by the dispatcher without allocating (but for `error`).
struct Outcome {
  static constexpr std::size_t kTested = 8;

  Answer answer = Answer::Ended;
  std::uint32_t context = 0;
  DurationUs responseUs = 0;
  DurationUs lateUs = 0;
  DurationUs retryAfterUs = 0;
  // Rejected: the numbers of the first contexts tested, and what they are compared with.
  std::array<sched::AdmissionTerms, kTested> tested{};
  std::size_t testedCount = 0;
  sched::Priority priority = sched::Priority::Low;
  std::uint32_t streams = 1;
  TimeUs releaseUs = 0;
  DurationUs deadlineUs = 0;
  std::string error;
};

struct Request {
  std::uint64_t sequence = 0;  // unique, from 1; the token of its release
  InstanceId instance = 0;
  std::shared_ptr<engine::JobMemory> memory;  // the sender writes the inputs; Completed: holds the outputs
  TimeUs clientDeadlineUs = 0;                // steady clock
  std::atomic<bool> abandoned{false};
  // The dispatcher's alone, which looks at them with each release.
  bool assigned = false;  // a job uses it
  bool answered = false;
  Outcome outcome;
  /// Called once with the outcome, on the responder's thread. Must not block.
  std::function<void(Request&)> answer;
  /// Counts requests in memory down when this one is gone.
  std::shared_ptr<void> permit;
};

using RequestPtr = std::shared_ptr<Request>;

/// The outcome of a refusal or an end in words for the client; `task` is its served name.
[[nodiscard]] std::string explain(const Outcome& outcome, const std::string& task);

}  // namespace daris::runtime
