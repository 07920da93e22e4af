// Written by hand for the same reason as the trace: same run, same bytes.
#include "simulator/summary.hpp"

#include "trace/text.hpp"

namespace daris::simulator {

namespace {

using trace::appendDouble;
using trace::appendQuoted;
using trace::appendUnsigned;

void add(TaskResult& sum, const TaskResult& task) {
  sum.counters.released += task.counters.released;
  sum.counters.skipped += task.counters.skipped;
  sum.counters.rejected += task.counters.rejected;
  sum.counters.admitted += task.counters.admitted;
  sum.counters.completed += task.counters.completed;
  sum.counters.missed += task.counters.missed;
  sum.counters.dropped += task.counters.dropped;
  sum.counters.inTime += task.counters.inTime;
  sum.migrations += task.migrations;
  sum.responses.merge(task.responses);
}

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

void appendCount(std::string& out, const char* key, std::uint64_t value) {
  out.append("\"").append(key).append("\":");
  appendUnsigned(out, value);
  out.push_back(',');
}

void appendRatio(std::string& out, const char* key, double value) {
  out.append("\"").append(key).append("\":");
  appendDouble(out, value);
}

void appendResponses(std::string& out, const Responses& responses) {
  const Responses::Figures figures = responses.figures();
  if (figures.count == 0) {
    out.append("\"responseUs\":{\"p50\":null,\"p99\":null,\"p999\":null,\"max\":null,\"mean\":null},");
    return;
  }
  out.append("\"responseUs\":{");
  appendCount(out, "p50", static_cast<std::uint64_t>(figures.p50Us));
  appendCount(out, "p99", static_cast<std::uint64_t>(figures.p99Us));
  appendCount(out, "p999", static_cast<std::uint64_t>(figures.p999Us));
  appendCount(out, "max", static_cast<std::uint64_t>(figures.maxUs));
  appendRatio(out, "mean", figures.meanUs);
  out.append("},");
}

void appendFigures(std::string& out, const TaskResult& task) {
  const sched::Counters& counters = task.counters;
  appendCount(out, "released", counters.released);
  appendCount(out, "skipped", counters.skipped);
  appendCount(out, "rejected", counters.rejected);
  appendCount(out, "admitted", counters.admitted);
  appendCount(out, "completed", counters.completed);
  appendCount(out, "missed", counters.missed);
  appendCount(out, "dropped", counters.dropped);
  appendRatio(out, "dmr", ratio(counters.missed, counters.admitted));
  out.push_back(',');
  appendResponses(out, task.responses);
  appendCount(out, "migrations", task.migrations);
  appendRatio(out, "onTimeRate", ratio(counters.inTime, counters.released));
}

void appendTasks(std::string& out, const Scenario& scenario, const RunResult& result) {
  out.append("\"tasks\":[");
  for (std::size_t i = 0; i < result.tasks.size(); ++i) {
    out.append(i == 0 ? "\n{\"name\":" : ",\n{\"name\":");
    appendQuoted(out, scenario.tasks[i].name);
    out.push_back(',');
    appendFigures(out, result.tasks[i]);
    out.push_back('}');
  }
  out.append("],\n");
}

void appendPriorities(std::string& out, const Scenario& scenario, const RunResult& result) {
  TaskResult high, low;
  for (std::size_t i = 0; i < result.tasks.size(); ++i)
    add(scenario.tasks[i].spec.priority == sched::Priority::High ? high : low, result.tasks[i]);
  out.append("\"priorities\":{\n\"High\":{");
  appendFigures(out, high);
  out.append("},\n\"Low\":{");
  appendFigures(out, low);
  out.append("}},\n");
}

void appendGpus(std::string& out, const Scenario& scenario, const RunResult& result) {
  out.append("\"gpus\":[");
  const auto durationUs = static_cast<double>(scenario.durationUs);
  for (std::size_t i = 0; i < result.gpus.size(); ++i) {
    const sched::GpuConfig& partition = scenario.gpus[i].partition;
    const double streams = static_cast<double>(partition.contexts) * partition.streamsPerContext;
    out.append(i == 0 ? "\n{\"name\":" : ",\n{\"name\":");
    appendQuoted(out, scenario.gpus[i].name);
    out.push_back(',');
    appendRatio(out, "utilization", static_cast<double>(result.gpus[i].busyUs) / (streams * durationUs));
    out.push_back(',');
    appendRatio(out, "throughput", static_cast<double>(result.gpus[i].completed) * 1e6 / durationUs);
    out.push_back('}');
  }
  out.append("],\n");
}

}  // namespace

std::string summaryOf(const Scenario& scenario, const RunResult& result) {
  std::string out = "{\n";
  appendTasks(out, scenario, result);
  appendPriorities(out, scenario, result);
  appendGpus(out, scenario, result);
  out.append("\"events\":");
  appendUnsigned(out, result.events);
  out.append("\n}\n");
  return out;
}

}  // namespace daris::simulator
