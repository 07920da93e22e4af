#include "gpu/plan.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

namespace daris::bench {
namespace {

using engine::PartitionMode;
using nlohmann::json;

constexpr std::array<std::pair<const char*, PartitionMode>, 4> kModes{{
    {"Streams", PartitionMode::Streams},
    {"GreenContexts", PartitionMode::GreenContexts},
    {"MPS", PartitionMode::Mps},
    {"MPSStreams", PartitionMode::MpsStreams},
}};

template <typename T>
void take(const json& from, const char* key, T& into) {
  if (from.contains(key)) from.at(key).get_to(into);
}

template <typename T>
void take(const json& from, const char* key, std::optional<T>& into) {
  if (from.contains(key)) into = from.at(key).get<T>();
}

PartitionMode mode_of(const std::string& word) {
  for (const auto& [known, mode] : kModes) {
    if (word == known) return mode;
  }
  throw std::invalid_argument("partition mode '" + word +
                              "'; there are Streams, GreenContexts, MPS and MPSStreams");
}

engine::Partitioning partition_of(const json& from) {
  engine::Partitioning partition;
  partition.mode = mode_of(from.at("mode"));
  take(from, "contexts", partition.contexts);
  take(from, "streams", partition.streams_per_context);
  take(from, "oversubscription", partition.oversubscription);
  return partition;
}

ClassPlan class_of(const json& from) {
  ClassPlan plan;
  plan.package = from.at("package").get<std::string>();
  take(from, "batch", plan.batch);
  take(from, "slotsPerStream", plan.slots_per_stream);
  return plan;
}

sched::Priority priority_of(const std::string& word) {
  if (word == "High") return sched::Priority::High;
  if (word == "Low") return sched::Priority::Low;
  throw std::invalid_argument("priority '" + word + "'; there are High and Low");
}

GroupPlan group_of(const json& from) {
  GroupPlan plan;
  plan.priority = priority_of(from.at("priority"));
  take(from, "class", plan.class_index);
  take(from, "tasks", plan.tasks);
  take(from, "periodUs", plan.period_us);
  take(from, "rate", plan.rate);
  take(from, "timesBare", plan.times_bare);
  take(from, "context", plan.context);
  take(from, "bookedUs", plan.booked_us);
  take(from, "asleep", plan.asleep);
  const int given = int{plan.tasks.has_value()} + int{plan.period_us.has_value()} +
                    int{plan.rate.has_value()} + int{plan.times_bare.has_value()};
  if (given != 2) throw std::invalid_argument("a group needs two of tasks, periodUs and rate or timesBare");
  if (plan.rate && plan.times_bare) throw std::invalid_argument("a group has both rate and timesBare");
  return plan;
}

BesidePlan beside_of(const json& from) {
  BesidePlan plan;
  plan.package = from.at("package").get<std::string>();
  take(from, "batch", plan.batch);
  take(from, "slots", plan.slots);
  return plan;
}

LoadPlan load_of(const json& from) {
  LoadPlan plan;
  for (const json& group : from.at("groups")) plan.groups.push_back(group_of(group));
  take(from, "seconds", plan.seconds);
  take(from, "warmUpSeconds", plan.warm_up_seconds);
  take(from, "compare", plan.compare);
  take(from, "mretAging", plan.mret_aging);
  const std::string admission = from.value("admission", "Predicted");
  if (admission != "Predicted" && admission != "Utilization")
    throw std::invalid_argument("admission '" + admission + "'; there are Predicted and Utilization");
  plan.admission = admission == "Predicted" ? sched::Admission::Predicted : sched::Admission::Utilization;
  if (from.contains("beside")) plan.beside = beside_of(from.at("beside"));
  return plan;
}

BarePlan bare_of(const json& from) {
  BarePlan plan;
  take(from, "class", plan.class_index);
  take(from, "seconds", plan.seconds);
  take(from, "gate", plan.gate);
  take(from, "samples", plan.samples);
  return plan;
}

RunPlan run_of(const json& from) {
  RunPlan plan;
  take(from, "name", plan.name);
  const std::string kind = from.at("kind");
  if (kind == "bare") {
    plan.work = bare_of(from);
  } else if (kind == "load") {
    plan.work = load_of(from);
  } else {
    throw std::invalid_argument("run kind '" + kind + "'; there are bare and load");
  }
  return plan;
}

void check_classes(const BedPlan& bed) {
  const auto known = [&](std::uint32_t index) {
    if (index < bed.classes.size()) return;
    throw std::invalid_argument("bed '" + bed.name + "' has no class " + std::to_string(index));
  };
  for (const RunPlan& run : bed.runs) {
    if (const auto* bare = std::get_if<BarePlan>(&run.work)) known(bare->class_index);
    if (const auto* load = std::get_if<LoadPlan>(&run.work)) {
      for (const GroupPlan& group : load->groups) known(group.class_index);
    }
  }
}

BedPlan bed_of(const json& from) {
  BedPlan bed;
  take(from, "name", bed.name);
  take(from, "repetitions", bed.repetitions);
  bed.partition = partition_of(from.at("partition"));
  for (const json& each : from.at("classes")) bed.classes.push_back(class_of(each));
  for (const json& each : from.at("runs")) bed.runs.push_back(run_of(each));
  check_classes(bed);
  return bed;
}

}  // namespace

Plan parse_plan(const json& document) {
  Plan plan;
  const json engine = document.value("engine", json::object());
  take(engine, "kind", plan.engine.kind);
  take(engine, "copies", plan.engine.copies);
  take(engine, "fine", plan.engine.fine);
  take(engine, "memoryShare", plan.engine.memory_share);
  take(engine, "sms", plan.engine.sms);
  take(document, "core", plan.core);
  for (const json& bed : document.at("beds")) plan.beds.push_back(bed_of(bed));
  return plan;
}

const char* word_of(PartitionMode mode) {
  for (const auto& [word, known] : kModes) {
    if (mode == known) return word;
  }
  return "unknown";
}

}  // namespace daris::bench
