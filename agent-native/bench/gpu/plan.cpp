#include "gpu/plan.hpp"

#include <algorithm>
#include <array>
#include <functional>
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
  if (plan.slots_per_stream == 0)
    throw std::invalid_argument("slotsPerStream of " + plan.package.string() + " is 0");
  take(from, "capacities", plan.capacities);
  const bool ascend =
      std::ranges::adjacent_find(plan.capacities, std::greater_equal{}) == plan.capacities.end();
  if (plan.capacities.empty() || plan.capacities.front() != 1 || !ascend)
    throw std::invalid_argument("capacities of " + plan.package.string() + " do not ascend from 1");
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
  take(from, "joining", plan.joining);
  if (plan.compare && plan.joining)
    throw std::invalid_argument("compare is of jobs with their slot's input: not with joining");
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
  take(from, "capacity", plan.capacity);
  take(from, "seconds", plan.seconds);
  take(from, "gate", plan.gate);
  take(from, "samples", plan.samples);
  return plan;
}

/// `rule` is FreeLane, or Triton with the names of its model configuration.
QueuedPlan queued_of(const json& from) {
  QueuedPlan plan;
  for (const json& group : from.at("groups")) plan.groups.push_back(group_of(group));
  take(from, "seconds", plan.seconds);
  take(from, "warmUpSeconds", plan.warm_up_seconds);
  const std::string rule = from.at("rule");
  if (rule == "Triton") {
    TritonTerms& terms = plan.triton.emplace();
    take(from, "maxBatchSize", terms.max_batch_size);
    take(from, "preferredBatchSize", terms.preferred_batch_size);
    take(from, "maxQueueDelayUs", terms.max_queue_delay_us);
  } else if (rule != "FreeLane") {
    throw std::invalid_argument("rule '" + rule + "'; there are FreeLane and Triton");
  }
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
  } else if (kind == "queued") {
    plan.work = queued_of(from);
  } else {
    throw std::invalid_argument("run kind '" + kind + "'; there are bare, load and queued");
  }
  return plan;
}

const ClassPlan& class_in(const BedPlan& bed, std::uint32_t index) {
  if (index < bed.classes.size()) return bed.classes[index];
  throw std::invalid_argument("bed '" + bed.name + "' has no class " + std::to_string(index));
}

void check_form(const BedPlan& bed, std::uint32_t index, std::uint32_t capacity) {
  const ClassPlan& of = class_in(bed, index);
  if (std::ranges::find(of.capacities, capacity) != of.capacities.end()) return;
  throw std::invalid_argument("class " + std::to_string(index) + " of bed '" + bed.name +
                              "' has no capacity " + std::to_string(capacity));
}

void check_triton(const BedPlan& bed, const QueuedPlan& plan) {
  if (!plan.triton) return;
  const std::uint32_t first = plan.groups.front().class_index;
  for (const GroupPlan& group : plan.groups)
    if (group.class_index != first)
      throw std::invalid_argument("rule Triton serves one class, which is a model's");
  if (plan.triton->max_batch_size > class_in(bed, first).capacities.back())
    throw std::invalid_argument("maxBatchSize is over the largest capacity");
}

void check_classes(const BedPlan& bed) {
  for (const RunPlan& run : bed.runs) {
    if (const auto* bare = std::get_if<BarePlan>(&run.work))
      check_form(bed, bare->class_index, bare->capacity);
    if (const auto* load = std::get_if<LoadPlan>(&run.work))
      for (const GroupPlan& group : load->groups) (void)class_in(bed, group.class_index);
    if (const auto* queued = std::get_if<QueuedPlan>(&run.work)) {
      for (const GroupPlan& group : queued->groups) (void)class_in(bed, group.class_index);
      check_triton(bed, *queued);
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
  take(engine, "pinnedGiB", plan.engine.pinned_gib);
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
