// What tasks count as before any job of theirs has run: by AFET, those of classes that join by n*
// (docs/joining.md).
#pragma once

#include <map>
#include <vector>

#include "runtime/capacities.hpp"
#include "sched/joined_class.hpp"
#include "sched/utilization.hpp"

namespace daris::runtime {

/// A task that may run, and the AFETs that it goes by.
struct PlannedTask {
  const DesiredTask& task;
  const std::vector<DurationUs>& afetUs;
};

/// Of the tasks of one GPU.
class JoinedLoad {
 public:
  /// `contexts` of the GPU.
  JoinedLoad(const std::vector<PlannedTask>& tasks, const JoinedClasses& joined, std::uint32_t contexts);

  /// u_i of a task that is among them.
  [[nodiscard]] sched::Utilization utilizationOf(const PlannedTask& task) const;

 private:
  void findFacts(const std::vector<PlannedTask>& tasks);
  [[nodiscard]] DurationUs leastSlackUs(const std::vector<PlannedTask>& tasks) const;

  std::map<ClassKey, sched::JoinedClass> classes_;
};

}  // namespace daris::runtime
