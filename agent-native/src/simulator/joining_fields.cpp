#include "simulator/joining_fields.hpp"

#include <set>

#include "simulator/scenario_fields.hpp"

namespace daris::simulator {

namespace {

using nlohmann::json;

std::vector<std::uint32_t> readCapacities(const json& array, const std::string& path) {
  if (array.size() > sched::kMaxCapacities)
    throw ScenarioError(path + ": must have at most " + std::to_string(sched::kMaxCapacities) + " entries");
  std::vector<std::uint32_t> capacities;
  for (std::size_t i = 0; i < array.size(); ++i) {
    const auto jobs = static_cast<std::uint32_t>(integerOf(array[i], at(path, i), 1, sched::kMaxUnitJobs));
    if (i == 0 ? jobs != 1 : jobs <= capacities.back())
      throw ScenarioError(at(path, i) + ": capacities must ascend strictly from 1");
    capacities.push_back(jobs);
  }
  return capacities;
}

/// An array with one entry for each capacity after the first.
const json& perCapacity(Fields& fields, const char* key, std::size_t capacities) {
  const json& value = fields.value(key);
  if (!value.is_array() || value.size() + 1 != capacities)
    throw ScenarioError(fields.pathOf(key) + ": must be an array of " + std::to_string(capacities - 1) +
                        ", one for each capacity after the first");
  return value;
}

/// Each entry is itself an array that is not empty.
const json& timesPerCapacity(Fields& fields, const char* key, std::size_t capacities) {
  const json& value = perCapacity(fields, key, capacities);
  const std::string path = fields.pathOf(key);
  for (std::size_t i = 0; i < value.size(); ++i)
    if (!value[i].is_array() || value[i].empty())
      throw ScenarioError(at(path, i) + ": must be an array that is not empty");
  return value;
}

std::vector<Demand> readDemands(const json& array, const std::string& path) {
  std::vector<Demand> demands;
  for (std::size_t i = 0; i < array.size(); ++i) demands.push_back(readDemand(array[i], at(path, i)));
  return demands;
}

ScenarioClass readClass(const json& value, const std::string& path, std::size_t capacities) {
  Fields fields(value, path);
  ScenarioClass joined;
  joined.name = fields.text("name");
  const json& afetUs = timesPerCapacity(fields, "afetUs", capacities);
  const json& execUs = timesPerCapacity(fields, "execUs", capacities);
  for (std::size_t i = 0; i < afetUs.size(); ++i) {
    joined.afetUs.push_back(readTimes(afetUs[i], at(path + ".afetUs", i)));
    joined.execUs.push_back(readRows(execUs[i], at(path + ".execUs", i), joined.afetUs[i].size()));
  }
  if (fields.has("demand"))
    joined.demand = readDemands(perCapacity(fields, "demand", capacities), path + ".demand");
  fields.finish();
  return joined;
}

}  // namespace

ScenarioJoining readJoining(const json& value, const std::string& path, sched::Policy& policy) {
  Fields fields(value, path);
  ScenarioJoining joining;
  policy.joining = fields.boolean("enabled");
  joining.capacities = readCapacities(fields.nonEmptyArray("capacities"), path + ".capacities");
  const json& classes = fields.value("classes");
  if (!classes.is_array()) throw ScenarioError(path + ".classes: must be an array");
  std::set<std::string> names;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const std::string place = at(path + ".classes", i);
    joining.classes.push_back(readClass(classes[i], place, joining.capacities.size()));
    const std::string& name = joining.classes.back().name;
    if (!names.insert(name).second) throw ScenarioError(place + ".name: \"" + name + "\" is already taken");
  }
  fields.finish();
  return joining;
}

void checkClasses(const Scenario& scenario) {
  std::vector<const ScenarioTask*> first(scenario.joining.classes.size(), nullptr);
  for (std::size_t i = 0; i < scenario.tasks.size(); ++i) {
    const ScenarioTask& task = scenario.tasks[i];
    if (!task.joins) continue;
    const std::string path = at("tasks", i) + ".afetUs";
    const ScenarioTask*& other = first[*task.joins];
    if (other == nullptr) other = &task;
    if (other->spec.afetUs != task.spec.afetUs)
      throw ScenarioError(path + ": must be that of the other tasks of its class");
    for (const std::vector<DurationUs>& afetUs : scenario.joining.classes[*task.joins].afetUs)
      if (afetUs.size() != task.spec.afetUs.size())
        throw ScenarioError(path + ": must have as many stages as its class");
  }
}

}  // namespace daris::simulator
