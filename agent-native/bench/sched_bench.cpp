// What the scheduler costs: per stage, by number of tasks; per task in memory; and events a second of the
// simulator without writing its trace. bench/sched.bench.ts runs it.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <random>

#include "simulator/simulation.hpp"
#include "stage_drive.hpp"

namespace {

using namespace daris;
using bench::configOf;
using bench::specOf;

constexpr int kWarmUpStages = 200'000;

void perStage(benchmark::State& state, sched::Admission admission) {
  bench::StageDrive drive(static_cast<std::uint64_t>(state.range(0)), admission);
  for (int i = 0; i < kWarmUpStages; ++i) drive.oneStage();
  for (auto _ : state) drive.oneStage();
  sched::Snapshot snapshot;
  drive.scheduler().snapshot(snapshot);
  double released = 0, admitted = 0, migrations = 0;
  for (const sched::TaskSnapshot& task : snapshot.tasks) {
    released += static_cast<double>(task.counters.released);
    admitted += static_cast<double>(task.counters.admitted);
    migrations += static_cast<double>(task.migrations.count);
  }
  state.counters["admitted"] = admitted / released;
  state.counters["migrated"] = migrations / released;
}

void utilizationPerStage(benchmark::State& state) {
  perStage(state, sched::Admission::Utilization);
}
void predictedPerStage(benchmark::State& state) {
  perStage(state, sched::Admission::Predicted);
}
BENCHMARK(utilizationPerStage)->Name("Utilization/PerStage")->Arg(50)->Arg(500)->Arg(5000);
BENCHMARK(predictedPerStage)->Name("Predicted/PerStage")->Arg(50)->Arg(500)->Arg(5000);

/// Bytes in use on the heap.
std::uint64_t heapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

void memoryPerTask(benchmark::State& state) {
  const auto tasks = static_cast<std::uint64_t>(state.range(0));
  double bytes = 0;
  for (auto _ : state) {
    std::mt19937 random(1);
    auto scheduler = sched::Scheduler::create(configOf(sched::Admission::Utilization));
    const std::uint64_t before = heapBytes();
    for (std::uint64_t i = 0; i < tasks; ++i) {
      const sched::TaskSpec spec = specOf(i, tasks, random);
      benchmark::DoNotOptimize(scheduler->addTask(spec, 0).ok());
    }
    bytes = static_cast<double>(heapBytes() - before);
  }
  state.counters["bytesPerTask"] = bytes / static_cast<double>(tasks);
}
BENCHMARK(memoryPerTask)->Name("MemoryPerTask")->Arg(4096)->Unit(benchmark::kMillisecond);

simulator::Scenario scenarioOf(std::uint64_t tasks) {
  std::mt19937 random(1);
  simulator::Scenario scenario;
  scenario.durationUs = 2'000'000;
  scenario.gpus.push_back({"gpu0", configOf(sched::Admission::Utilization).gpus[0]});
  for (std::uint64_t i = 0; i < tasks; ++i) {
    simulator::ScenarioTask task;
    task.spec = specOf(i, tasks, random);
    task.name = "t" + std::to_string(i);
    task.execUs = {task.spec.afetUs};
    task.phaseUs = static_cast<TimeUs>(random() % static_cast<std::uint64_t>(task.spec.periodUs));
    scenario.tasks.push_back(std::move(task));
  }
  return scenario;
}

void simulatorEvents(benchmark::State& state) {
  const simulator::Scenario scenario = scenarioOf(static_cast<std::uint64_t>(state.range(0)));
  std::uint64_t events = 0;
  for (auto _ : state) {
    simulator::Trace silent(scenario, nullptr);
    events += simulator::simulate(scenario, silent).events;
  }
  state.counters["events/s"] = benchmark::Counter(static_cast<double>(events), benchmark::Counter::kIsRate);
}
BENCHMARK(simulatorEvents)->Name("Simulator")->Arg(50)->Arg(5000)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
