// The event loop. At one instant: completions by (gpu, context, stream), releases by task, then dispatch of
// the contexts where something changed, by (gpu, context).
#include "simulator/simulation.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <queue>

#include "sched/assignment.hpp"
#include "sched/scheduler.hpp"
#include "simulator/interference.hpp"

namespace daris::simulator {

namespace {

using sched::ContextRef;

struct Release {
  TimeUs atUs = 0;
  std::uint32_t task = 0;
  friend auto operator<=>(const Release&, const Release&) = default;
};

template <typename Event>
using Queue = std::priority_queue<Event, std::vector<Event>, std::greater<>>;

sched::Config configOf(const Scenario& scenario) {
  sched::Config config{{}, scenario.policy};
  for (const ScenarioGpu& gpu : scenario.gpus) config.gpus.push_back(gpu.partition);
  return config;
}

/// The value of a call that cannot fail, since the scenario was checked.
template <typename T>
T& certain(sched::Outcome<T>&& outcome) {
  if (!outcome.ok()) throw std::logic_error(std::string(outcome.error().what));
  return outcome.value();
}

class Simulation {
 public:
  Simulation(const Scenario& scenario, Trace& trace)
      : scenario_(scenario),
        trace_(trace),
        sched_(std::move(certain(sched::Scheduler::create(configOf(scenario))))),
        ids_(scenario.tasks.size()),
        rows_(scenario.tasks.size(), 0) {
    result_.tasks.resize(scenario.tasks.size());
    result_.gpus.resize(scenario.gpus.size());
    if (scenario.calibrated)
      for (const ScenarioGpu& gpu : scenario.gpus) shared_.emplace_back(gpu.partition);
  }

  RunResult run();

 private:
  void assign();
  void addClasses();
  [[nodiscard]] sched::ClassId classOf(std::uint32_t gpu, std::size_t joined) const;
  void addTasks(const std::vector<ContextRef>& contexts);
  [[nodiscard]] TimeUs nextInstant() const;
  void dropMoved();
  RunningStage endShared(const RunningStage& entry, TimeUs now);
  void retimeAll(TimeUs now);
  void completeAll(TimeUs now);
  void complete(const RunningStage& done, TimeUs now);
  void releaseAll(TimeUs now);
  void release(std::uint32_t task, TimeUs now);
  void dispatchAll(TimeUs now);
  void dispatch(ContextRef context, TimeUs now);
  void start(const sched::Dispatch& run, TimeUs now);
  [[nodiscard]] DurationUs execUs(const sched::Dispatch& run) const;
  [[nodiscard]] DurationUs unitExecUs(const sched::Dispatch& run);
  [[nodiscard]] const ScenarioClass& joinedOf(const sched::Dispatch& run) const;
  [[nodiscard]] std::size_t largerCapacity(const sched::Dispatch& run) const;
  [[nodiscard]] Demand demandOf(const sched::Dispatch& run) const;
  void collect();

  const Scenario& scenario_;
  Trace& trace_;
  sched::Scheduler sched_;
  std::vector<sched::TaskId> ids_;
  std::vector<std::size_t> rows_;  // of `execUs`: the active job's, or the next one's
  std::map<std::pair<sched::ClassId, std::uint32_t>, std::size_t> formed_;  // units of a class and capacity
  std::map<std::uint32_t, std::size_t> unitRows_;                           // of `execUs` of a class, by unit
  Queue<RunningStage> running_;
  Queue<Release> releases_;
  std::vector<SharedGpu> shared_;    // with calibrated interference, one a GPU
  std::vector<ContextRef> changed_;  // at this instant, unordered, with repetitions
  RunResult result_;
};

RunResult Simulation::run() {
  assign();
  for (std::uint32_t task = 0; task < ids_.size(); ++task)
    if (scenario_.tasks[task].phaseUs < scenario_.durationUs)
      releases_.push({scenario_.tasks[task].phaseUs, task});
  for (TimeUs now = nextInstant(); now <= scenario_.durationUs; now = nextInstant()) {
    completeAll(now);
    releaseAll(now);
    dispatchAll(now);
    retimeAll(now);
  }
  collect();
  return std::move(result_);
}

void Simulation::assign() {
  std::vector<sched::AssignmentTask> tasks;
  for (const ScenarioTask& task : scenario_.tasks) {
    const DurationUs afetUs =
        std::accumulate(task.spec.afetUs.begin(), task.spec.afetUs.end(), DurationUs{0});
    const sched::Utilization util = sched::utilizationOf(afetUs, task.spec.deadlineUs, task.spec.periodUs);
    tasks.push_back({task.name, task.spec.priority, util, task.spec.context});
  }
  std::vector<sched::AssignmentContext> contexts;
  for (std::uint32_t gpu = 0; gpu < scenario_.gpus.size(); ++gpu) {
    const sched::GpuConfig& partition = scenario_.gpus[gpu].partition;
    for (std::uint32_t index = 0; index < partition.contexts; ++index)
      contexts.push_back({{gpu, index}, partition.streamsPerContext, {}});
  }
  std::vector<ContextRef> chosen(tasks.size());
  for (const sched::Assignment& assigned : sched::assign(tasks, std::move(contexts))) {
    chosen[assigned.task] = assigned.context;
    trace_.assign(static_cast<std::uint32_t>(assigned.task), assigned.context, assigned.util, assigned.total);
  }
  addClasses();
  addTasks(chosen);
}

/// Tasks of one class on different GPUs are different classes; 0 is for those that name none.
sched::ClassId Simulation::classOf(std::uint32_t gpu, std::size_t joined) const {
  return static_cast<sched::ClassId>(1 + gpu * scenario_.joining.classes.size() + joined);
}

void Simulation::addClasses() {
  const ScenarioJoining& joining = scenario_.joining;
  for (std::size_t index = 0; index < joining.classes.size(); ++index) {
    const auto task = std::ranges::find(scenario_.tasks, std::optional(index), &ScenarioTask::joins);
    if (task == scenario_.tasks.end()) continue;
    std::vector<sched::Capacity> capacities{{1, task->spec.afetUs}};
    for (std::size_t i = 1; i < joining.capacities.size(); ++i)
      capacities.push_back({joining.capacities[i], joining.classes[index].afetUs[i - 1]});
    for (std::uint32_t gpu = 0; gpu < scenario_.gpus.size(); ++gpu)
      (void)certain(sched_.setCapacities(classOf(gpu, index), capacities));
  }
}

void Simulation::addTasks(const std::vector<ContextRef>& contexts) {
  for (std::uint32_t task = 0; task < ids_.size(); ++task) {
    sched::TaskSpec spec = scenario_.tasks[task].spec;
    spec.context = contexts[task];
    if (const auto joins = scenario_.tasks[task].joins) spec.classId = classOf(contexts[task].gpu, *joins);
    ids_[task] = certain(sched_.addTask(spec, 0)).task;
  }
}

TimeUs Simulation::nextInstant() const {
  const TimeUs completion = running_.empty() ? INT64_MAX : running_.top().atUs;
  const TimeUs release = releases_.empty() ? INT64_MAX : releases_.top().atUs;
  return std::min(completion, release);
}

void Simulation::completeAll(TimeUs now) {
  while (!running_.empty() && running_.top().atUs == now) {
    RunningStage done = running_.top();
    running_.pop();
    if (!shared_.empty()) done = endShared(done, now);
    complete(done, now);
    dropMoved();
  }
}

/// Removes entries of stages that have completed, or will at another time.
void Simulation::dropMoved() {
  const auto hasMoved = [this](const RunningStage& entry) {
    return !shared_[entry.context.gpu].completesAt(entry.context, entry.stream, entry.atUs);
  };
  if (shared_.empty()) return;
  while (!running_.empty() && hasMoved(running_.top())) running_.pop();
}

/// The entry says where; what runs there now may be another stage than when it was made.
RunningStage Simulation::endShared(const RunningStage& entry, TimeUs now) {
  const std::uint32_t gpu = entry.context.gpu;
  const RunningStage done = shared_[gpu].end(entry.context, entry.stream, now);
  result_.gpus[gpu].busyUs += done.execUs;
  return done;
}

void Simulation::retimeAll(TimeUs now) {
  for (SharedGpu& gpu : shared_) gpu.retime(now, [this](const RunningStage& run) { running_.push(run); });
  dropMoved();
}

void Simulation::complete(const RunningStage& done, TimeUs now) {
  const sched::StageCompletion completion = certain(sched_.complete(done.unit, done.stage, done.execUs, now));
  changed_.push_back(done.context);
  for (const sched::MemberCompletion& member : completion.members) {
    const auto task = static_cast<std::uint32_t>(member.token);
    const JobName name{task, member.number};
    trace_.complete(now, name, done.stage, done.execUs, member);
    if (!member.end) continue;
    trace_.finish(now, name, *member.end);
    ++rows_[task];
    ++result_.gpus[done.context.gpu].completed;
    result_.tasks[task].responses.add(member.end->responseUs);
  }
}

void Simulation::releaseAll(TimeUs now) {
  while (!releases_.empty() && releases_.top().atUs == now) {
    const std::uint32_t task = releases_.top().task;
    releases_.pop();
    release(task, now);
    const TimeUs following = now + scenario_.tasks[task].spec.periodUs;
    if (following < scenario_.durationUs) releases_.push({following, task});
  }
}

void Simulation::release(std::uint32_t task, TimeUs now) {
  const sched::ReleaseOutcome outcome = certain(sched_.release(ids_[task], {task, now}, now));
  const JobName name{task, outcome.number};
  trace_.release(now, name);
  if (outcome.decision == sched::Decision::Skipped) {
    trace_.skip(now, name);
  } else if (outcome.decision == sched::Decision::Rejected) {
    trace_.reject(now, name, outcome);
  } else {
    if (outcome.migratedFrom) trace_.migrate(now, name, outcome);
    trace_.admit(now, name, outcome);
    changed_.push_back(outcome.context);
  }
}

void Simulation::dispatchAll(TimeUs now) {
  std::sort(changed_.begin(), changed_.end());
  const auto end = std::unique(changed_.begin(), changed_.end());
  for (auto context = changed_.begin(); context != end; ++context) dispatch(*context, now);
  changed_.clear();
}

void Simulation::dispatch(ContextRef context, TimeUs now) {
  for (;;) {
    const sched::Next next = certain(sched_.next(context, now));
    if (next.kind == sched::NextKind::Idle) return;
    if (next.kind == sched::NextKind::Run) {
      start(next.run, now);
      continue;
    }
    const auto task = static_cast<std::uint32_t>(next.dropped.token);
    trace_.drop(now, {task, next.dropped.number}, next.dropped);
    ++rows_[task];
  }
}

void Simulation::start(const sched::Dispatch& run, TimeUs now) {
  for (const sched::UnitMember& member : run.members)
    trace_.dispatch(now, {static_cast<std::uint32_t>(member.token), member.number}, run, member);
  const DurationUs stageUs = run.capacity > 1 ? unitExecUs(run) : execUs(run);
  if (!shared_.empty()) {
    shared_[run.context.gpu].start({0, run.context, run.stream, run.unit, run.stage, stageUs}, demandOf(run),
                                   now);
    return;
  }
  result_.gpus[run.context.gpu].busyUs += std::min(stageUs, scenario_.durationUs - now);
  running_.push({now + stageUs, run.context, run.stream, run.unit, run.stage, stageUs});
}

const ScenarioClass& Simulation::joinedOf(const sched::Dispatch& run) const {
  const std::vector<ScenarioClass>& classes = scenario_.joining.classes;
  return classes[(run.classId - 1) % classes.size()];
}

/// The position of a unit's capacity among those after the first.
std::size_t Simulation::largerCapacity(const sched::Dispatch& run) const {
  const std::vector<std::uint32_t>& capacities = scenario_.joining.capacities;
  return static_cast<std::size_t>(std::ranges::find(capacities, run.capacity) - capacities.begin()) - 1;
}

/// With calibrated interference only. One job alone needs what its task says.
Demand Simulation::demandOf(const sched::Dispatch& run) const {
  if (run.capacity > 1) return joinedOf(run).demand->at(largerCapacity(run));
  return *scenario_.tasks[run.members.front().token].demand;
}

/// Of a unit of several jobs: its row is that of its number among those of its class and capacity.
DurationUs Simulation::unitExecUs(const sched::Dispatch& run) {
  if (run.first) unitRows_[run.unit.index] = formed_[{run.classId, run.capacity}]++;
  const auto& rows = joinedOf(run).execUs[largerCapacity(run)];
  return rows[unitRows_[run.unit.index] % rows.size()][run.stage];
}

DurationUs Simulation::execUs(const sched::Dispatch& run) const {
  const auto task = static_cast<std::uint32_t>(run.members.front().token);
  const sched::StageIndex stage = run.stage;
  const auto& rows = scenario_.tasks[task].execUs;
  const std::vector<DurationUs>& row = rows[rows_[task] % rows.size()];
  return scenario_.policy.staging ? row[stage] : std::accumulate(row.begin(), row.end(), DurationUs{0});
}

/// What is still active at the end stays so; a deadline that has passed counts.
void Simulation::collect() {
  (void)certain(sched_.markOverdue(scenario_.durationUs));
  for (std::size_t gpu = 0; gpu < shared_.size(); ++gpu)
    result_.gpus[gpu].busyUs += shared_[gpu].unfinishedUs(scenario_.durationUs);
  sched::Snapshot snapshot;
  sched_.snapshot(snapshot);
  for (const sched::TaskSnapshot& task : snapshot.tasks) {
    result_.tasks[task.order].counters = task.counters;
    result_.tasks[task.order].migrations = task.migrations.count;
  }
  trace_.flush();
  result_.events = trace_.lines();
}

}  // namespace

RunResult simulate(const Scenario& scenario, Trace& trace) {
  return Simulation(scenario, trace).run();
}

}  // namespace daris::simulator
