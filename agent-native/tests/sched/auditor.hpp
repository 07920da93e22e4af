// The auditor: one scheduler, one reference, and a member for each call and each comparison.
// audit.cpp plays, audit_calls.cpp makes the calls, audit_checks.cpp compares.
#pragma once

#include <set>
#include <string>

#include "audit.hpp"
#include "reference.hpp"

namespace daris::sched {

using reference::Expected;
using reference::Reference;
using reference::TaskModel;

/// Thrown by check(), caught in audit(): the scheduler itself throws nothing.
struct Disagreement {
  std::string text;
};

inline void check(bool holds, const char* what) {
  if (!holds) throw Disagreement{what};
}

class Audit {
 public:
  Audit();

  void play(const Step& step);
  void drain();
  [[nodiscard]] std::uint64_t digest() const { return digest_; }

 private:
  void addTask(const Step& step);
  void changeTask(const Step& step);
  void removeTask(const Step& step);
  void release(const Step& step);
  void withdraw(const Step& step);
  void dispatch(ContextRef ref, int atMost);
  void completeOne(const Step& step);
  void failOne(const Step& step);
  void configure(const Step& step);
  void setSlots(const Step& step);
  void wrongCall(const Step& step);

  void checkRelease(const ReleaseOutcome& got, const Expected& want, Token token, const TaskModel* task);
  void checkDispatch(const Dispatch& run, ContextRef ref);
  void checkDrop(const JobEnd& dropped, ContextRef ref);
  void checkEnd(const JobEnd& got, End how, TaskModel& task);
  void checkState();
  void endToken(Token token);
  void note(std::uint64_t value) { digest_ = (digest_ ^ value) * 1099511628211u; }
  [[nodiscard]] TaskModel* pick(std::uint8_t which, bool running);

  Config config_;
  Scheduler sched_;
  Reference model_;
  TimeUs now_ = 0;
  Token nextToken_ = 1;
  std::uint64_t nextOrder_ = 0;
  std::set<Token> open_;  // released, and not yet ended
  Snapshot snapshot_;
  std::uint64_t digest_ = 14695981039346656037u;
};

}  // namespace daris::sched
