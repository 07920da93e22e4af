#include "simulator/replay_calls.hpp"

#include <algorithm>
#include <array>

#include "sched/partition.hpp"
#include "simulator/scenario_fields.hpp"

namespace daris::simulator {

namespace {

using nlohmann::json;

/// More than any one call writes: the terms of all contexts of a GPU.
constexpr std::size_t kRecords = 4 * sched::kMaxContexts;

constexpr std::array<std::string_view, 15> kCalls{
    "start",   "configure", "add",  "change", "remove",   "capacities", "slots", "release",
    "request", "withdraw",  "idle", "drop",   "dispatch", "complete",   "fail"};

template <typename T>
std::string refusalOf(const sched::Outcome<T>& outcome) {
  return outcome.ok() ? "" : std::string(outcome.error().what);
}

std::uint32_t small(Fields& fields, std::string_view key, std::uint32_t most = UINT32_MAX) {
  return static_cast<std::uint32_t>(fields.integer(key, 0, most));
}

/// Any 64 bits: a token is the runtime's own and may be large.
std::uint64_t unsignedOf(Fields& fields, std::string_view key) {
  const json& value = fields.value(key);
  if (!value.is_number_unsigned()) throw ScenarioError(fields.pathOf(key) + ": must be an integer from 0");
  return value.get<std::uint64_t>();
}

}  // namespace

ReplayCalls::ReplayCalls() : ring_(kRecords) {}

bool ReplayCalls::isCall(const std::string& event) {
  return std::ranges::find(kCalls, event) != kCalls.end();
}

ReplayCalls::Answer ReplayCalls::make(const json& line, const std::string& event, const std::string& path) {
  Fields fields(line, path);
  const TimeUs now = fields.integer("t", -kMaxTimeUs, kMaxTimeUs);
  const std::uint64_t before = ring_.written();
  std::string refusal = call(fields, event, now);
  return {written(before), std::move(refusal)};
}

std::string ReplayCalls::call(Fields& fields, const std::string& event, TimeUs now) {
  if (event == "start" || event == "configure") return start(fields, event, now);
  if (event == "add") return add(fields, now);
  if (event == "change") return change(fields, now);
  if (event == "remove") return refusalOf(scheduler_->removeTask(taskOf(fields), now));
  if (event == "capacities") return setCapacities(fields, now);
  if (event == "slots") return setSlots(fields, now);
  if (event == "release" || event == "request" || event == "withdraw") return release(fields, event, now);
  if (event == "complete" || event == "fail") return complete(fields, event, now);
  return next(fields, now);
}

std::string ReplayCalls::start(Fields& fields, const std::string& event, TimeUs now) {
  sched::Config config;
  std::vector<std::string> names;
  const json& gpus = fields.nonEmptyArray("gpus");
  for (std::size_t i = 0; i < gpus.size(); ++i) {
    const ScenarioGpu gpu = readGpu(gpus[i], at(fields.pathOf("gpus"), i));
    names.push_back(gpu.name);
    config.gpus.push_back(gpu.partition);
  }
  config.policy = readPolicy(fields.value("scheduler"), fields.pathOf("scheduler"), true);
  if (const auto error = sched::checkConfig(config))
    throw ScenarioError(fields.pathOf("gpus") + ": " + std::string(error->what));
  gpus_ = std::move(names);
  if (event == "configure") return refusalOf(scheduler_->configure(config, now));
  auto scheduler = trace::RecordedScheduler::create(config, ring_, now);
  if (!scheduler.ok()) return std::string(scheduler.error().what);
  scheduler_.emplace(std::move(scheduler.value()));
  orders_.clear();
  labels_.clear();
  tasks_.clear();
  running_.clear();
  return "";
}

/// A task that the core will not take is an answer, and recorded as such.
std::string ReplayCalls::add(Fields& fields, TimeUs now) {
  const sched::TaskSpec spec = specOf(fields);
  const std::string name = fields.text("task");
  if (!labels_.try_emplace(spec.order, name).second)
    throw ScenarioError(fields.pathOf("order") + ": is another task's already");
  if (!orders_.try_emplace(name, spec.order).second)
    throw ScenarioError(fields.pathOf("task") + ": \"" + name + "\" was added already");
  const auto added = scheduler_->addTask(spec, now);
  if (added.ok()) tasks_[spec.order] = added->task;
  return "";
}

std::string ReplayCalls::change(Fields& fields, TimeUs now) {
  (void)scheduler_->changeTask(taskOf(fields), specOf(fields), now);
  return "";
}

std::string ReplayCalls::release(Fields& fields, const std::string& event, TimeUs now) {
  const sched::TaskId task = taskOf(fields);
  const sched::Token token = unsignedOf(fields, "token");
  if (event == "withdraw") return refusalOf(scheduler_->withdraw(task, token, now));
  if (event == "request") return refusalOf(scheduler_->request(task, token, now));
  const TimeUs nominalUs = fields.integer("nominal", -kMaxTimeUs, kMaxTimeUs);
  return refusalOf(scheduler_->release(task, {token, nominalUs}, now));
}

std::string ReplayCalls::next(Fields& fields, TimeUs now) {
  const auto next = scheduler_->next(contextOf(fields), now);
  if (!next.ok() || next->kind != sched::NextKind::Run) return refusalOf(next);
  for (const sched::UnitMember& member : next->run.members)
    for (const auto& [order, task] : tasks_)
      if (task == member.task) running_[order] = next->run.unit;
  return "";
}

std::string ReplayCalls::complete(Fields& fields, const std::string& event, TimeUs now) {
  const auto running = running_.find(orderOf(fields));
  if (running == running_.end()) return "the task has no stage that runs";
  const std::uint32_t stage = small(fields, "stage", sched::kMaxStages - 1);
  if (event == "fail") return refusalOf(scheduler_->fail(running->second, stage, now));
  const DurationUs execUs = fields.integer("exec", 0, kMaxTimeUs);
  return refusalOf(scheduler_->complete(running->second, stage, execUs, now));
}

std::string ReplayCalls::setCapacities(Fields& fields, TimeUs now) {
  const sched::ClassId classId = small(fields, "class");
  const json& list = fields.value("capacities");
  const std::string path = fields.pathOf("capacities");
  if (!list.is_array()) throw ScenarioError(path + ": must be an array");
  std::vector<sched::Capacity> capacities;
  for (std::size_t i = 0; i < list.size(); ++i) {
    Fields each(list[i], at(path, i));
    const std::uint32_t jobs = small(each, "jobs", sched::kMaxUnitJobs);
    capacities.push_back({jobs, readTimes(each.nonEmptyArray("afetUs"), each.pathOf("afetUs"))});
  }
  return refusalOf(scheduler_->setCapacities(classId, capacities, now));
}

std::string ReplayCalls::setSlots(Fields& fields, TimeUs now) {
  const sched::ClassId classId = small(fields, "class");
  return refusalOf(scheduler_->setSlots(classId, contextOf(fields), small(fields, "slots"), now));
}

// ---- Fields ----

sched::TaskSpec ReplayCalls::specOf(Fields& fields) const {
  sched::TaskSpec spec;
  spec.order = unsignedOf(fields, "order");
  spec.priority =
      fields.word("priority", {"High", "Low"}) == 0 ? sched::Priority::High : sched::Priority::Low;
  spec.periodUs = fields.integer("periodUs", 0, kMaxTimeUs);
  spec.deadlineUs = fields.integer("deadlineUs", 0, kMaxTimeUs);
  const json& afet = fields.value("afetUs");
  if (!afet.is_array()) throw ScenarioError(fields.pathOf("afetUs") + ": must be an array");
  for (std::size_t i = 0; i < afet.size(); ++i)
    spec.afetUs.push_back(integerOf(afet[i], at(fields.pathOf("afetUs"), i), INT64_MIN, INT64_MAX));
  spec.lateJobs =
      fields.word("lateJobs", {"Finish", "Drop"}) == 0 ? sched::LateJobs::Finish : sched::LateJobs::Drop;
  spec.releaseMode = fields.word("release", {"Periodic", "OnRequest"}) == 0 ? sched::ReleaseMode::Periodic
                                                                            : sched::ReleaseMode::OnRequest;
  if (fields.has("releaseJitterUs")) spec.releaseJitterUs = fields.integer("releaseJitterUs", 0, kMaxTimeUs);
  spec.classId = small(fields, "class");
  if (fields.boolean("placed")) spec.context = contextOf(fields);
  return spec;
}

sched::ContextRef ReplayCalls::contextOf(Fields& fields) const {
  const std::string name = fields.text("gpu");
  const auto gpu = std::ranges::find(gpus_, name);
  if (gpu == gpus_.end())
    throw ScenarioError(fields.pathOf("gpu") + ": \"" + name + "\" is no GPU of this trace");
  return {static_cast<std::uint32_t>(gpu - gpus_.begin()), small(fields, "context", sched::kMaxContexts - 1)};
}

std::uint64_t ReplayCalls::orderOf(Fields& fields) const {
  const std::string name = fields.text("task");
  const auto found = orders_.find(name);
  if (found == orders_.end())
    throw ScenarioError(fields.pathOf("task") + ": \"" + name + "\" was never added");
  return found->second;
}

/// The default id, which the core knows not, where the core did not take the task.
sched::TaskId ReplayCalls::taskOf(Fields& fields) const {
  const auto found = tasks_.find(orderOf(fields));
  return found != tasks_.end() ? found->second : sched::TaskId{};
}

std::vector<std::string> ReplayCalls::written(std::uint64_t from) const {
  std::vector<std::string> lines;
  std::vector<trace::Record> details;
  for (const trace::Record& record : ring_.readFrom(from).records) {
    if (trace::isDetail(record.kind)) {
      details.push_back(record);
      continue;
    }
    trace::appendLine(lines.emplace_back(), record, details, labels_);
    details.clear();
  }
  return lines;
}

}  // namespace daris::simulator
