// The trace of a run: one JSON object a line, in the order in which things happen.
// Without a stream it only counts the lines, which costs next to nothing.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "sched/outcomes.hpp"
#include "sched/types.hpp"
#include "simulator/scenario.hpp"

namespace daris::simulator {

/// Which job of which task a line speaks of.
struct JobName {
  std::uint32_t task = 0;  // position in the scenario
  std::uint64_t job = 0;   // 0, 1, ... per task, skipped ones counted
};

class Trace {
 public:
  /// `out` may be null; it must outlive the trace. Lines are buffered until flush().
  Trace(const Scenario& scenario, std::ostream* out);

  void assign(std::uint32_t task, sched::ContextRef context, sched::Utilization util,
              sched::Utilization total);
  void release(TimeUs now, JobName name);
  void skip(TimeUs now, JobName name);
  void migrate(TimeUs now, JobName name, const sched::ReleaseOutcome& outcome);
  void admit(TimeUs now, JobName name, const sched::ReleaseOutcome& outcome);
  void reject(TimeUs now, JobName name, const sched::ReleaseOutcome& outcome);
  /// One line for each member of a unit.
  void dispatch(TimeUs now, JobName name, const sched::Dispatch& run, const sched::UnitMember& member);
  void complete(TimeUs now, JobName name, sched::StageIndex stage, DurationUs execUs,
                const sched::MemberCompletion& member);
  void finish(TimeUs now, JobName name, const sched::JobEnd& end);
  void drop(TimeUs now, JobName name, const sched::JobEnd& end);

  void flush();
  [[nodiscard]] std::uint64_t lines() const { return lines_; }

 private:
  bool begin(TimeUs now, const char* event, std::uint32_t task);
  bool begin(TimeUs now, const char* event, JobName name);
  void end();
  void key(const char* name);
  void field(const char* name, std::int64_t value);
  void field(const char* name, sched::Utilization value);
  void field(const char* name, bool value);

  std::ostream* out_;
  std::vector<std::string> tasks_;  // names as JSON strings
  std::vector<std::string> gpus_;
  std::string buffer_;
  std::uint64_t lines_ = 0;
};

}  // namespace daris::simulator
