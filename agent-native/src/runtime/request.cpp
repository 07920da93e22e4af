#include "runtime/request.hpp"

#include "runtime/words.hpp"

namespace daris::runtime {

std::string explain(const Outcome& outcome, const std::string& task) {
  switch (outcome.answer) {
    case Answer::Completed:
      return "completed";
    case Answer::Rejected:
      return rejection({outcome.tested.data(), outcome.testedCount}, outcome.priority, outcome.streams,
                       outcome.releaseUs, outcome.deadlineUs);
    case Answer::Early:
      return "early: " + task + " takes one request a period and releaseJitter; retry in " +
             duration(outcome.retryAfterUs);
    case Answer::Superseded:
      return "superseded: a newer input of " + task + " took its place";
    case Answer::Dropped:
      return "dropped: " + task + " was " + duration(outcome.lateUs) + " past its deadline with stages left";
    case Answer::Failed:
      return "the engine failed on " + task + ": " + outcome.error;
    case Answer::Ended:
      return task + " is no longer served here";
    case Answer::Cancelled:
      return "the client went away, or its deadline passed, before a job of " + task + " was released";
  }
  return "unknown outcome";
}

}  // namespace daris::runtime
