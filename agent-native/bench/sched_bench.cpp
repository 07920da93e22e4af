// What the scheduler costs: per stage, by number of tasks, alone and recorded; per record of the trace; per
// task in memory; and events a second of the simulator without writing its trace. bench/sched.bench.ts runs
// it.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <random>

#include "cpu_time.hpp"
#include "joined_drive.hpp"
#include "joined_phase.hpp"
#include "simulator/simulation.hpp"
#include "stage_drive.hpp"
#include "trace/recorded_scheduler.hpp"

namespace {

using namespace daris;
using bench::configOf;
using bench::cpuNs;
using bench::specOf;

constexpr int kWarmUpStages = 200'000;
constexpr std::size_t kRingRecords = 1 << 17;  // the runtime's default

template <typename Core>
void perStage(benchmark::State& state, Core core) {
  bench::StageDrive drive(std::move(core), static_cast<std::uint64_t>(state.range(0)));
  for (int i = 0; i < kWarmUpStages; ++i) drive.oneStage();
  for (auto _ : state) drive.oneStage();
  sched::Snapshot snapshot;
  drive.core().snapshot(snapshot);
  double released = 0, admitted = 0, migrations = 0;
  for (const sched::TaskSnapshot& task : snapshot.tasks) {
    released += static_cast<double>(task.counters.released);
    admitted += static_cast<double>(task.counters.admitted);
    migrations += static_cast<double>(task.migrations.count);
  }
  state.counters["admitted"] = admitted / released;
  state.counters["migrated"] = migrations / released;
}

void plainPerStage(benchmark::State& state, sched::Admission admission) {
  perStage(state, std::move(sched::Scheduler::create(configOf(admission)).value()));
}

/// The core as the runtime runs it, with the runtime's ring.
void recordedPerStage(benchmark::State& state) {
  trace::Ring ring(kRingRecords);
  const sched::Config config = configOf(sched::Admission::Predicted);
  perStage(state, std::move(trace::RecordedScheduler::create(config, ring, 0).value()));
  state.counters["records"] = static_cast<double>(ring.written());
}

BENCHMARK_CAPTURE(plainPerStage, utilization, sched::Admission::Utilization)
    ->Name("Utilization/PerStage")
    ->Arg(50)
    ->Arg(500)
    ->Arg(5000);
BENCHMARK_CAPTURE(plainPerStage, predicted, sched::Admission::Predicted)
    ->Name("Predicted/PerStage")
    ->Arg(50)
    ->Arg(500)
    ->Arg(5000);
BENCHMARK(recordedPerStage)->Name("Recorded/PerStage")->Arg(50);

/// An iteration is a completed stage; a job is what ended in units.
template <typename Core>
void joinedPerJob(benchmark::State& state, Core core) {
  bench::JoinedDrive drive(std::move(core), static_cast<std::uint32_t>(state.range(0)));
  for (int i = 0; i < kWarmUpStages / 10; ++i) (void)drive.oneStage();
  std::uint64_t jobs = 0;
  const std::int64_t begun = cpuNs();
  for (auto _ : state) jobs += drive.oneStage();
  state.counters["nsPerJob"] = static_cast<double>(cpuNs() - begun) / static_cast<double>(jobs);
  state.counters["jobsPerUnit"] = 4 * static_cast<double>(jobs) / static_cast<double>(state.iterations());
}

void plainJoined(benchmark::State& state) {
  auto core = std::move(sched::Scheduler::create(bench::joinedConfig()).value());
  (void)core.setCapacities(0, bench::joinedCapacities());
  joinedPerJob(state, std::move(core));
}

void recordedJoined(benchmark::State& state) {
  trace::Ring ring(kRingRecords);
  auto core = std::move(trace::RecordedScheduler::create(bench::joinedConfig(), ring, 0).value());
  (void)core.setCapacities(0, bench::joinedCapacities(), 0);
  joinedPerJob(state, std::move(core));
}

/// All that a dispatcher does, but for its launches; an iteration is one of its rounds.
void joinedDispatcher(benchmark::State& state) {
  bench::JoinedPhase phase(static_cast<std::uint32_t>(state.range(0)));
  for (int i = 0; i < kWarmUpStages; ++i) (void)phase.round();
  const std::uint64_t before = phase.completed();
  const std::int64_t publishedBefore = phase.publishedNs();
  const std::int64_t begun = cpuNs();
  for (auto _ : state) (void)phase.round();
  const auto took = static_cast<double>(cpuNs() - begun);
  const auto jobs = static_cast<double>(phase.completed() - before);
  state.counters["nsPerJob"] = took / jobs;
  state.counters["publishingNsPerJob"] = static_cast<double>(phase.publishedNs() - publishedBefore) / jobs;
}

BENCHMARK(plainJoined)->Name("Joined/PerJob")->Arg(300)->Arg(2600)->Arg(3900);
BENCHMARK(recordedJoined)->Name("Joined/Recorded")->Arg(300)->Arg(2600)->Arg(3900);
BENCHMARK(joinedDispatcher)->Name("Joined/Dispatcher")->Arg(300)->Arg(2600)->Arg(3900);

void ringWrite(benchmark::State& state) {
  trace::Ring ring(kRingRecords);
  trace::Record record;
  for (auto _ : state) {
    ++record.nowUs;
    ring.write(record);
  }
  benchmark::DoNotOptimize(ring.written());
}
BENCHMARK(ringWrite)->Name("Record");

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
