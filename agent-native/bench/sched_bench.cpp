// What the scheduler costs: per stage, by number of tasks, alone and recorded; per record of the trace; per
// task in memory; and events a second of the simulator. JSON: build/bin/sched_bench
// --benchmark_repetitions=15 --benchmark_out_format=json
// --benchmark_out=FILE Instructions: valgrind --tool=callgrind build/bin/sched_bench
// --benchmark_filter=PerStage/50
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <array>
#include <queue>
#include <random>

#include "sched/scheduler.hpp"
#include "simulator/simulation.hpp"
#include "trace/recorded_scheduler.hpp"

namespace {

using namespace daris;

constexpr std::uint32_t kContexts = 8;
constexpr std::uint32_t kStages = 4;
constexpr double kLoad = 1.5;  // of the capacity: there are always rejections and migrations

sched::Config configOf(sched::Admission admission) {
  sched::Config config{{{132, kContexts, 1, kContexts}}, {}};
  config.policy.admission = admission;
  config.policy.mretAging = true;
  return config;
}

/// Tasks of about 1 ms in four stages, one in three HP, with periods so that all of them together make kLoad.
sched::TaskSpec specOf(std::uint64_t order, std::uint64_t tasks, std::mt19937& random) {
  sched::TaskSpec spec;
  spec.priority = order % 3 == 0 ? sched::Priority::High : sched::Priority::Low;
  spec.periodUs = static_cast<DurationUs>(static_cast<double>(tasks) * 1000 / (kContexts * kLoad)) +
                  static_cast<DurationUs>(random() % 500);
  spec.deadlineUs = spec.periodUs;
  for (std::uint32_t stage = 0; stage < kStages; ++stage) spec.afetUs.push_back(150 + random() % 200);
  spec.order = order;
  return spec;
}

/// The core by itself.
struct Plain {
  explicit Plain(const sched::Config& config)
      : scheduler(std::move(sched::Scheduler::create(config).value())) {}
  auto release(sched::TaskId task, TimeUs now) { return scheduler.release(task, {task.index, now}, now); }
  [[nodiscard]] std::uint64_t records() const { return 0; }

  sched::Scheduler scheduler;
};

/// The core as the runtime runs it, with the runtime's ring.
struct Recorded {
  explicit Recorded(const sched::Config& config)
      : scheduler(std::move(trace::RecordedScheduler::create(config, ring, 0).value())) {}
  auto release(sched::TaskId task, TimeUs now) { return scheduler.release(task, {task.index, now}, now); }
  [[nodiscard]] std::uint64_t records() const { return ring.written(); }

  trace::Ring ring{1 << 17};
  trace::RecordedScheduler scheduler;
};

/// Drives the core alone: releases on their periods, stages that take about their AFET. Nothing is looked up
/// or sorted beside the calls but the next release and the next completion.
template <typename Core>
class Drive {
 public:
  Drive(std::uint64_t tasks, sched::Admission admission) : core_(configOf(admission)) {
    std::mt19937 random(1);
    for (std::uint64_t i = 0; i < tasks; ++i) {
      const sched::TaskSpec spec = specOf(i, tasks, random);
      tasks_.push_back({core_.scheduler.addTask(spec, 0).value().task, spec.periodUs});
      releases_.push({static_cast<TimeUs>(random() % static_cast<std::uint64_t>(spec.periodUs)),
                      static_cast<std::uint32_t>(i)});
    }
  }

  /// Goes on until one more stage has completed.
  void oneStage() {
    for (;;) {
      std::uint32_t first = 0;
      for (std::uint32_t context = 1; context < kContexts; ++context)
        if (endUs_[context] < endUs_[first]) first = context;
      if (releases_.top().first >= endUs_[first]) return complete(first);
      release();
    }
  }

  [[nodiscard]] Core& core() { return core_; }

 private:
  void release() {
    const auto [now, task] = releases_.top();
    releases_.pop();
    releases_.push({now + tasks_[task].second, task});
    const auto outcome = core_.release(tasks_[task].first, now);
    if (outcome->decision == sched::Decision::Admitted) start(outcome->context.index, now);
  }

  void complete(std::uint32_t context) {
    const TimeUs now = endUs_[context];
    endUs_[context] = INT64_MAX;
    const auto done = core_.scheduler.complete(running_[context], stage_[context], execUs_[context], now);
    benchmark::DoNotOptimize(done.ok());
    start(context, now);
  }

  void start(std::uint32_t context, TimeUs now) {
    const auto next = core_.scheduler.next({0, context}, now);
    if (next->kind != sched::NextKind::Run) return;
    running_[context] = next->run.unit;
    stage_[context] = next->run.stage;
    random_ = random_ * 1664525 + 1013904223;
    execUs_[context] = 130 + (random_ >> 16) % 220;
    endUs_[context] = now + execUs_[context];
  }

  using Release = std::pair<TimeUs, std::uint32_t>;

  Core core_;
  std::vector<std::pair<sched::TaskId, DurationUs>> tasks_;
  std::priority_queue<Release, std::vector<Release>, std::greater<>> releases_;
  std::array<TimeUs, kContexts> endUs_ = [] {
    std::array<TimeUs, kContexts> none;
    none.fill(INT64_MAX);
    return none;
  }();
  std::array<sched::UnitId, kContexts> running_{};
  std::array<sched::StageIndex, kContexts> stage_{};
  std::array<DurationUs, kContexts> execUs_{};
  std::uint32_t random_ = 1;
};

template <typename Core>
void perStage(benchmark::State& state, sched::Admission admission) {
  Drive<Core> drive(static_cast<std::uint64_t>(state.range(0)), admission);
  for (int i = 0; i < 200'000; ++i) drive.oneStage();
  const std::uint64_t before = drive.core().records();
  for (auto _ : state) drive.oneStage();
  const auto records = static_cast<double>(drive.core().records() - before);
  state.counters["records"] = records / static_cast<double>(state.iterations());
  sched::Snapshot snapshot;
  drive.core().scheduler.snapshot(snapshot);
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
  perStage<Plain>(state, sched::Admission::Utilization);
}
void predictedPerStage(benchmark::State& state) {
  perStage<Plain>(state, sched::Admission::Predicted);
}
void recordedPerStage(benchmark::State& state) {
  perStage<Recorded>(state, sched::Admission::Utilization);
}
BENCHMARK(utilizationPerStage)->Name("Utilization/PerStage")->Arg(50)->Arg(500)->Arg(5000);
BENCHMARK(predictedPerStage)->Name("Predicted/PerStage")->Arg(50)->Arg(500)->Arg(5000);

BENCHMARK(recordedPerStage)->Name("Recorded/PerStage")->Arg(50)->Arg(500)->Arg(5000);

void ringWrite(benchmark::State& state) {
  trace::Ring ring(1 << 17);
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
