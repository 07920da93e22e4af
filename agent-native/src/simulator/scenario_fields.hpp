// The objects that scenarios and recorded traces have in common. All throw ScenarioError.
#pragma once

#include "simulator/json_fields.hpp"
#include "simulator/scenario.hpp"

namespace daris::simulator {

/// `list[position]`, for errors.
[[nodiscard]] std::string at(std::string_view list, std::size_t position);

[[nodiscard]] ScenarioGpu readGpu(const nlohmann::json& value, const std::string& path);

/// `recorded`: it may say `joining`, which a scenario says elsewhere.
[[nodiscard]] sched::Policy readPolicy(const nlohmann::json& value, const std::string& path,
                                       bool recorded = false);

[[nodiscard]] Demand readDemand(const nlohmann::json& value, const std::string& path);

/// Execution times of stages, each at least 1.
[[nodiscard]] std::vector<DurationUs> readTimes(const nlohmann::json& array, const std::string& path);

/// Rows of execution times, each with as many stages.
[[nodiscard]] std::vector<std::vector<DurationUs>> readRows(const nlohmann::json& rows,
                                                            const std::string& path, std::size_t stages);

}  // namespace daris::simulator
