// The fields of a scenario that speak of joining (docs/joining.md).
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "simulator/scenario.hpp"

namespace daris::simulator {

/// Sets `policy.joining` where it is enabled. Throws ScenarioError.
ScenarioJoining readJoining(const nlohmann::json& value, const std::string& path, sched::Policy& policy);

/// The tasks of a class have the same AFETs, one for each stage of the class. Throws ScenarioError.
void checkClasses(const Scenario& scenario);

}  // namespace daris::simulator
