// Reading of version 1, field by field in the order of the format's description.
#include "simulator/scenario.hpp"

#include <algorithm>
#include <set>

#include "sched/partition.hpp"
#include "simulator/joining_fields.hpp"
#include "simulator/scenario_fields.hpp"

namespace daris::simulator {

namespace {

using nlohmann::json;

void requireNew(std::set<std::string>& names, const std::string& name, const std::string& path) {
  if (!names.insert(name).second) throw ScenarioError(path + ".name: \"" + name + "\" is already taken");
}

sched::ContextRef readContext(const json& value, const std::string& path,
                              const std::vector<ScenarioGpu>& gpus) {
  Fields fields(value, path);
  const std::string name = fields.text("gpu");
  std::uint32_t gpu = 0;
  while (gpu < gpus.size() && gpus[gpu].name != name) ++gpu;
  if (gpu == gpus.size()) throw ScenarioError(path + ".gpu: \"" + name + "\" is none of gpus");
  const auto index = static_cast<std::uint32_t>(fields.integer("index", 0, gpus[gpu].partition.contexts - 1));
  fields.finish();
  return {gpu, index};
}

std::size_t readClass(const std::string& name, const std::string& path,
                      const std::vector<ScenarioClass>& classes) {
  const auto found = std::ranges::find(classes, name, &ScenarioClass::name);
  if (found == classes.end()) throw ScenarioError(path + ": \"" + name + "\" is none of joining.classes");
  return static_cast<std::size_t>(found - classes.begin());
}

ScenarioTask readTask(const json& value, const std::string& path, const Scenario& scenario) {
  const std::vector<ScenarioGpu>& gpus = scenario.gpus;
  Fields fields(value, path);
  ScenarioTask task;
  task.name = fields.text("name");
  if (fields.has("class"))
    task.joins = readClass(fields.text("class"), path + ".class", scenario.joining.classes);
  task.spec.priority =
      fields.word("priority", {"High", "Low"}) == 0 ? sched::Priority::High : sched::Priority::Low;
  task.spec.periodUs = fields.integer("periodUs", 1, kMaxTimeUs);
  task.spec.deadlineUs = fields.integer("deadlineUs", 1, kMaxTimeUs);
  if (task.spec.deadlineUs > task.spec.periodUs)
    throw ScenarioError(path + ".deadlineUs: must not be greater than periodUs");
  task.phaseUs = fields.integer("phaseUs", 0, kMaxTimeUs);
  if (fields.has("lateJobs"))
    task.spec.lateJobs =
        fields.word("lateJobs", {"Finish", "Drop"}) == 0 ? sched::LateJobs::Finish : sched::LateJobs::Drop;
  const json& afet = fields.nonEmptyArray("afetUs");
  if (afet.size() > sched::kMaxStages)
    throw ScenarioError(path + ".afetUs: must have at most " + std::to_string(sched::kMaxStages) + " stages");
  task.spec.afetUs = readTimes(afet, path + ".afetUs");
  task.execUs = readRows(fields.nonEmptyArray("execUs"), path + ".execUs", afet.size());
  if (fields.has("demand")) task.demand = readDemand(fields.value("demand"), path + ".demand");
  if (fields.has("context"))
    task.spec.context = readContext(fields.value("context"), path + ".context", gpus);
  fields.finish();
  return task;
}

bool readCalibrated(const json& value) {
  Fields fields(value, "interference");
  const bool calibrated = fields.word("model", {"none", "calibrated"}) == 1;
  fields.finish();
  return calibrated;
}

void checkDemand(bool given, bool calibrated, const std::string& path) {
  if (given == calibrated) return;
  throw ScenarioError(path + ".demand: " +
                      (calibrated ? "is missing, with interference.model \"calibrated\""
                                  : "needs interference.model \"calibrated\""));
}

/// All tasks and classes say what they need, or none does.
void checkDemands(const Scenario& scenario) {
  const std::vector<ScenarioClass>& classes = scenario.joining.classes;
  for (std::size_t i = 0; i < classes.size(); ++i)
    checkDemand(classes[i].demand.has_value(), scenario.calibrated, at("joining.classes", i));
  for (std::size_t i = 0; i < scenario.tasks.size(); ++i)
    checkDemand(scenario.tasks[i].demand.has_value(), scenario.calibrated, at("tasks", i));
}

void checkPartition(const Scenario& scenario) {
  sched::Config config{{}, scenario.policy};
  for (const ScenarioGpu& gpu : scenario.gpus) config.gpus.push_back(gpu.partition);
  if (const auto error = sched::checkConfig(config)) throw ScenarioError(std::string(error->what));
}

}  // namespace

Scenario parseScenario(std::string_view text) {
  const json document = parseStrictly(text);
  Fields fields(document, "");
  Scenario scenario;
  (void)fields.integer("version", 1, 1);
  scenario.durationUs = fields.integer("durationUs", 1, kMaxTimeUs);
  scenario.seed = static_cast<std::uint64_t>(fields.integer("seed", 0, kMaxTimeUs));
  std::set<std::string> gpuNames, taskNames;
  const json& gpus = fields.nonEmptyArray("gpus");
  for (std::size_t i = 0; i < gpus.size(); ++i) {
    scenario.gpus.push_back(readGpu(gpus[i], at("gpus", i)));
    requireNew(gpuNames, scenario.gpus.back().name, at("gpus", i));
  }
  scenario.policy = readPolicy(fields.value("scheduler"), "scheduler");
  if (fields.has("joining"))
    scenario.joining = readJoining(fields.value("joining"), "joining", scenario.policy);
  checkPartition(scenario);
  const json& tasks = fields.value("tasks");
  if (!tasks.is_array()) throw ScenarioError("tasks: must be an array");
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    scenario.tasks.push_back(readTask(tasks[i], at("tasks", i), scenario));
    scenario.tasks.back().spec.order = i;
    requireNew(taskNames, scenario.tasks.back().name, at("tasks", i));
  }
  checkClasses(scenario);
  scenario.calibrated = readCalibrated(fields.value("interference"));
  checkDemands(scenario);
  fields.finish();
  return scenario;
}

}  // namespace daris::simulator
