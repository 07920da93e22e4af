// The calls of a recorded trace, made on a scheduler core of our own.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "simulator/json_fields.hpp"
#include "trace/json_lines.hpp"
#include "trace/recorded_scheduler.hpp"

namespace daris::simulator {

/// Makes one call after another; what the core answers comes back as lines like those recorded.
class ReplayCalls {
 public:
  ReplayCalls();

  /// Whether a line of this event is a call, rather than the answer to one.
  [[nodiscard]] static bool isCall(const std::string& event);

  [[nodiscard]] bool started() const { return scheduler_.has_value(); }

  struct Answer {
    std::vector<std::string> lines;  // the call's own first
    std::string refusal;             // why the core would not take the call; empty: it did
  };

  /// `path` names the line in errors. Throws ScenarioError.
  Answer make(const nlohmann::json& line, const std::string& event, const std::string& path);

 private:
  std::string call(Fields& fields, const std::string& event, TimeUs now);
  std::string start(Fields& fields, const std::string& event, TimeUs now);
  std::string add(Fields& fields, TimeUs now);
  std::string change(Fields& fields, TimeUs now);
  std::string release(Fields& fields, const std::string& event, TimeUs now);
  std::string next(Fields& fields, TimeUs now);
  std::string complete(Fields& fields, const std::string& event, TimeUs now);
  std::string setCapacities(Fields& fields, TimeUs now);
  std::string setSlots(Fields& fields, TimeUs now);

  [[nodiscard]] sched::TaskSpec specOf(Fields& fields) const;
  [[nodiscard]] sched::ContextRef contextOf(Fields& fields) const;
  [[nodiscard]] std::uint64_t orderOf(Fields& fields) const;
  [[nodiscard]] sched::TaskId taskOf(Fields& fields) const;
  [[nodiscard]] std::vector<std::string> written(std::uint64_t from) const;

  trace::Ring ring_;
  std::optional<trace::RecordedScheduler> scheduler_;
  std::vector<std::string> gpus_;                             // names by position
  std::map<std::string, std::uint64_t, std::less<>> orders_;  // by name
  trace::Labels labels_;
  std::map<std::uint64_t, sched::TaskId> tasks_;    // by order; removed ones included
  std::map<std::uint64_t, sched::UnitId> running_;  // by order: the unit that was dispatched last
};

}  // namespace daris::simulator
