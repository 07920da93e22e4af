// What the tests of joining share: a class with capacities 1, 2 and 4 whose larger units take less than twice
// as long, and all completions of a unit.
#pragma once

#include <vector>

#include "bed.hpp"

namespace daris::sched {

inline constexpr ClassId kJoined = 7;

/// One stage a capacity, or two equal ones.
inline std::vector<Capacity> capacitiesOf(const std::vector<std::pair<std::uint32_t, DurationUs>>& each,
                                          std::uint32_t stages = 1) {
  std::vector<Capacity> capacities;
  for (const auto& [jobs, stageUs] : each)
    capacities.push_back({jobs, std::vector<DurationUs>(stages, stageUs)});
  return capacities;
}

inline Policy joiningPolicy(Admission admission = Admission::Utilization) {
  Policy policy;
  policy.joining = true;
  policy.admission = admission;
  return policy;
}

inline TaskSpec joined(TaskSpec spec, ClassId classId = kJoined) {
  spec.classId = classId;
  return spec;
}

class JoiningBed : public Bed {
 public:
  explicit JoiningBed(const Config& config,
                      const std::vector<Capacity>& capacities = capacitiesOf({{1, 100}, {2, 150}, {4, 200}}))
      : Bed(config) {
    EXPECT_TRUE(sched.setCapacities(kJoined, capacities).ok());
  }

  /// Adds that many tasks of the class and releases one job of each.
  std::vector<TaskId> addAndRelease(std::uint32_t count, const TaskSpec& spec, TimeUs now = 0) {
    std::vector<TaskId> tasks;
    for (std::uint32_t i = 0; i < count; ++i) {
      TaskSpec each = joined(spec);
      each.order = order_++;
      tasks.push_back(add(each, now));
    }
    for (const TaskId task : tasks) EXPECT_EQ(release(task, now).decision, Decision::Admitted);
    return tasks;
  }

  std::vector<MemberCompletion> completeAll(const Dispatch& running, DurationUs execUs, TimeUs now) {
    const auto members = sched.complete(running.unit, running.stage, execUs, now).value().members;
    return {members.begin(), members.end()};
  }

 private:
  std::uint64_t order_ = 0;
};

}  // namespace daris::sched
