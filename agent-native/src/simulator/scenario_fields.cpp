// The objects that scenarios and recorded traces have in common, field by field.
#include "simulator/scenario_fields.hpp"

namespace daris::simulator {

namespace {

using nlohmann::json;

constexpr std::int64_t kMostPpm = 1'000'000;

std::uint32_t count(Fields& fields, std::string_view key, std::uint32_t most) {
  return static_cast<std::uint32_t>(fields.integer(key, 1, most));
}

}  // namespace

std::string at(std::string_view list, std::size_t position) {
  return std::string(list) + "[" + std::to_string(position) + "]";
}

ScenarioGpu readGpu(const json& value, const std::string& path) {
  Fields fields(value, path);
  ScenarioGpu gpu;
  gpu.name = fields.text("name");
  gpu.partition.smCount = count(fields, "smCount", 1 << 20);
  gpu.partition.contexts = count(fields, "contexts", sched::kMaxContexts);
  gpu.partition.streamsPerContext = count(fields, "streamsPerContext", sched::kMaxStreams);
  gpu.partition.oversubscription = fields.number("oversubscription", 1, gpu.partition.contexts);
  fields.finish();
  return gpu;
}

sched::Policy readPolicy(const json& value, const std::string& path, bool recorded) {
  Fields fields(value, path);
  sched::Policy policy;
  policy.mretWindow = count(fields, "mretWindow", sched::kMaxMretWindow);
  if (fields.has("mretAging")) policy.mretAging = fields.boolean("mretAging");
  if (fields.has("admission"))
    policy.admission = fields.word("admission", {"Utilization", "Predicted"}) == 0
                           ? sched::Admission::Utilization
                           : sched::Admission::Predicted;
  policy.highPriorityAdmission = fields.boolean("highPriorityAdmission");
  policy.staging = fields.boolean("staging");
  policy.lastStageBoost = fields.boolean("lastStageBoost");
  policy.missBoost = fields.boolean("missBoost");
  policy.fixedPriorities = fields.boolean("fixedPriorities");
  if (recorded && fields.has("joining")) policy.joining = fields.boolean("joining");
  fields.finish();
  return policy;
}

Demand readDemand(const json& value, const std::string& path) {
  Fields fields(value, path);
  Demand demand;
  demand.smPpm = fields.integer("smPpm", 0, kMostPpm);
  demand.memoryPpm = fields.integer("memoryPpm", 0, kMostPpm);
  fields.finish();
  return demand;
}

std::vector<DurationUs> readTimes(const json& array, const std::string& path) {
  std::vector<DurationUs> times;
  times.reserve(array.size());
  for (std::size_t i = 0; i < array.size(); ++i)
    times.push_back(integerOf(array[i], at(path, i), 1, kMaxTimeUs));
  return times;
}

std::vector<std::vector<DurationUs>> readRows(const json& rows, const std::string& path, std::size_t stages) {
  std::vector<std::vector<DurationUs>> result;
  for (std::size_t k = 0; k < rows.size(); ++k) {
    if (!rows[k].is_array() || rows[k].size() != stages)
      throw ScenarioError(at(path, k) + ": must be an array of " + std::to_string(stages) + ", as afetUs");
    result.push_back(readTimes(rows[k], at(path, k)));
  }
  return result;
}

}  // namespace daris::simulator
