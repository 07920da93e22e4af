// What has to change so that the tasks that run become the tasks that should: a pure difference.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/desired_state.hpp"

namespace daris::runtime {

enum class Step : std::uint8_t {
  Keep,     // runs as wanted
  Change,   // same model and batch: terms change in place, counters and MRETs go on
  Replace,  // another model or batch: a new instance takes over; counters go on
  Add,      // not running
};

/// `running` is null where no instance of that uid runs.
[[nodiscard]] Step stepTo(const DesiredTask& wanted, const DesiredTask* running);

struct Difference {
  std::vector<std::string> removed;  // uids that run and are not wanted
  std::vector<Step> steps;           // one per wanted task
};

[[nodiscard]] Difference difference(const std::vector<const DesiredTask*>& wanted,
                                    const std::map<std::string, const DesiredTask*, std::less<>>& running);

}  // namespace daris::runtime
