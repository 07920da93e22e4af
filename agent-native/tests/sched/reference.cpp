// See reference.hpp. Nothing of the scheduler's own files is used but its value types.
#include "reference.hpp"

#include <algorithm>
#include <tuple>

namespace daris::sched::reference {

namespace {

constexpr Wide kOne = 1'000'000'000;

std::vector<DurationUs> dispatched(const TaskSpec& spec, bool staging) {
  if (staging) return spec.afetUs;
  DurationUs whole = 0;
  for (const DurationUs us : spec.afetUs) whole += us;
  return {whole};
}

}  // namespace

DurationUs TaskModel::mretUs(std::size_t stage) const {
  const auto& window = windows[stage];
  return window.empty() ? afetUs[stage] : *std::max_element(window.begin(), window.end());
}

DurationUs TaskModel::mretUs() const {
  DurationUs sum = 0;
  for (std::size_t stage = 0; stage < windows.size(); ++stage) sum += mretUs(stage);
  return sum;
}

Wide TaskModel::util() const {
  const Wide window = std::min(spec.deadlineUs, spec.periodUs);
  const Wide scaled = mretUs() * kOne;
  return scaled / window + (scaled % window != 0);
}

bool Reference::gone(ContextRef ref) const {
  const auto at = contexts.find(ref);
  if (at == contexts.end()) return true;
  if (at->second.serving) return false;
  return std::none_of(tasks.begin(), tasks.end(),
                      [&](const auto& entry) { return entry.second.context == ref; });
}

void Reference::forgetGone() {
  std::erase_if(slots, [&](const auto& entry) { return gone(entry.first.second); });
}

void Reference::partition(const Config& config) {
  forgetGone();
  for (auto& [ref, context] : contexts) context.serving = false;
  for (std::uint32_t gpu = 0; gpu < config.gpus.size(); ++gpu)
    for (std::uint32_t index = 0; index < config.gpus[gpu].contexts; ++index)
      contexts[{gpu, index}] = {config.gpus[gpu].streamsPerContext, true};
  forgetGone();
}

void Reference::configure(const Config& config) {
  const bool restaged = policy.staging != config.policy.staging;
  policy = config.policy;
  for (auto& [id, task] : tasks) {
    if (restaged && !task.removed) {
      if (!task.pending) {
        task.pending = task.spec;
        task.pending->context.reset();
      }
      if (!task.job) apply(task);
    }
    for (auto& window : task.windows)
      while (window.size() > policy.mretWindow) window.pop_front();
  }
  partition(config);
  std::vector<TaskModel*> leaving;
  for (auto& [id, task] : tasks)
    if (!task.job && !contexts[task.context].serving) leaving.push_back(&task);
  std::sort(leaving.begin(), leaving.end(), [](const TaskModel* a, const TaskModel* b) {
    return std::tuple(a->spec.priority, -a->util(), a->spec.order) <
           std::tuple(b->spec.priority, -b->util(), b->spec.order);
  });
  for (TaskModel* task : leaving) leaveDraining(*task);
}

ContextRef Reference::leastLoaded() const {
  std::optional<ContextRef> best;
  const auto total = [&](ContextRef ref) {
    return load(ref, Priority::High, false) + load(ref, Priority::Low, false);
  };
  for (const auto& [ref, context] : contexts) {
    if (!context.serving) continue;
    if (!best || total(ref) * contexts.at(*best).streams < total(*best) * context.streams) best = ref;
  }
  return *best;
}

Wide Reference::load(ContextRef ref, Priority priority, bool activeOnly) const {
  Wide sum = 0;
  for (const auto& [id, task] : tasks)
    if (task.context == ref && task.spec.priority == priority && (task.job || !activeOnly))
      sum += task.util();
  return sum;
}

ContextRef Reference::add(TaskId id, const TaskSpec& spec) {
  TaskModel task;
  task.id = id;
  task.spec = spec;
  task.context = spec.context ? *spec.context : leastLoaded();
  restage(task);
  return tasks.emplace(id, task).first->second.context;
}

void Reference::restage(TaskModel& task) {
  task.afetUs = dispatched(task.spec, policy.staging);
  if (task.windows.size() != task.afetUs.size()) task.windows.assign(task.afetUs.size(), {});
}

void Reference::apply(TaskModel& task) {
  task.spec = *task.pending;
  task.pending.reset();
  restage(task);
  const ContextRef wanted = task.spec.context.value_or(task.context);
  if (contexts[wanted].serving) {
    task.context = wanted;
  } else {
    leaveDraining(task);
  }
}

/// To the least loaded context, its own load not counted.
void Reference::leaveDraining(TaskModel& task) {
  task.context = {UINT32_MAX, 0};
  task.context = leastLoaded();
}

void Reference::change(TaskModel& task, const TaskSpec& spec) {
  if (task.waiting && spec.releaseMode == ReleaseMode::Periodic) withdraw(task);
  task.pending = spec;
  if (!task.job) apply(task);
}

std::optional<Token> Reference::remove(TaskModel& task) {
  const std::optional<Token> cancelled = task.waiting;
  if (cancelled) withdraw(task);
  task.removed = true;
  if (!task.job) tasks.erase(TaskId(task.id));
  return cancelled;
}

Expected Reference::release(TaskModel& task, const Release& release, TimeUs now) {
  ++task.counters.released;
  if (!task.job) return admit(task, release, now);
  ++task.counters.skipped;
  return {Decision::Skipped, {}, {}, {}};
}

Expected Reference::request(TaskModel& task, Token token, TimeUs now) {
  const TaskSpec& spec = task.pending ? *task.pending : task.spec;
  const DurationUs tolerance = spec.releaseJitterUs.value_or(spec.periodUs / 2);
  if (task.theoreticalArrivalUs && now < *task.theoreticalArrivalUs - tolerance) {
    ++task.counters.early;
    return {Decision::Early, {}, {}, {}};
  }
  task.theoreticalArrivalUs = std::max(now, task.theoreticalArrivalUs.value_or(now)) + spec.periodUs;
  ++task.counters.released;
  if (!task.job) return admit(task, {token, now}, now);
  Expected expected{Decision::Waiting, {}, {}, task.waiting};
  task.counters.superseded += task.waiting.has_value();
  task.waiting = token;
  return expected;
}

void Reference::withdraw(TaskModel& task) {
  task.waiting.reset();
  ++task.counters.withdrawn;
}

Level Reference::levelOf(const TaskModel& task, std::size_t stage, bool predecessorMissed) const {
  if (!policy.fixedPriorities) return 0;
  int level = task.spec.priority == Priority::Low ? 4 : 0;
  if (!(policy.lastStageBoost && stage + 1 == task.windows.size())) level += 2;
  if (!(policy.missBoost && predecessorMissed)) level += 1;
  return static_cast<Level>(level);
}

bool Reference::before(const TaskModel& a, const TaskModel& b) const {
  const auto key = [](const TaskModel& t) {
    return std::tuple(t.job->level, t.job->virtualDeadlinesUs[t.job->stage], t.job->releaseUs, t.spec.order);
  };
  return key(a) < key(b);
}

bool Reference::passesUtilization(const TaskModel& task, ContextRef ref) const {
  const Wide capacity = contexts.at(ref).streams * kOne;
  const Wide low = load(ref, Priority::Low, true);
  if (task.spec.priority == Priority::High)
    return load(ref, Priority::High, true) + low + task.util() < capacity;
  return low + task.util() < capacity - load(ref, Priority::High, false);
}

Wide Reference::predicted(const TaskModel& task, ContextRef ref, TimeUs releaseUs, TimeUs now) const {
  const Wide streams = contexts.at(ref).streams;
  TaskModel probe = task;
  const Wide shareUs = static_cast<Wide>(task.spec.deadlineUs) * task.mretUs(0) / task.mretUs();
  const TimeUs firstUs = releaseUs + static_cast<TimeUs>(shareUs);
  probe.job = JobModel{};
  probe.job->releaseUs = releaseUs;
  probe.job->virtualDeadlinesUs = {firstUs};
  probe.job->level = levelOf(task, 0, false);
  Wide sum = 0;
  for (const auto& [id, other] : tasks) {
    if (!other.job || other.context != ref) continue;
    if (!other.job->running && !before(other, probe)) continue;
    for (std::size_t stage = other.job->stage; stage < other.windows.size(); ++stage)
      sum += other.mretUs(stage);
  }
  return streams * now + sum + streams * task.mretUs();
}

bool Reference::passes(const TaskModel& task, ContextRef ref, TimeUs releaseUs, TimeUs now) const {
  if (!passesUtilization(task, ref)) return false;
  if (policy.admission == Admission::Utilization) return true;
  return predicted(task, ref, releaseUs, now) <=
         static_cast<Wide>(contexts.at(ref).streams) * (releaseUs + task.spec.deadlineUs);
}

Expected Reference::admit(TaskModel& task, const Release& release, TimeUs now) {
  const TimeUs releaseUs = release.releaseUs;
  const bool high = task.spec.priority == Priority::High;
  std::optional<ContextRef> chosen;
  bool fits = passesUtilization(task, task.context);
  if ((high && !policy.highPriorityAdmission) || passes(task, task.context, releaseUs, now))
    chosen = task.context;
  if (!chosen && !high) {
    for (const auto& [ref, context] : contexts) {
      if (ref.gpu != task.context.gpu || ref == task.context || !context.serving) continue;
      fits |= passesUtilization(task, ref);
      if (!passes(task, ref, releaseUs, now)) continue;
      if (!chosen || predicted(task, ref, releaseUs, now) < predicted(task, *chosen, releaseUs, now))
        chosen = ref;
    }
  }
  if (!chosen) {
    ++task.counters.rejected;
    if (policy.mretAging && ++task.rejectionsInRow >= policy.mretWindow) {
      task.rejectionsInRow = 0;
      for (auto& window : task.windows)
        if (!window.empty()) window.pop_front();
    }
    return {Decision::Rejected, {}, {}, {}, fits ? Admission::Predicted : Admission::Utilization};
  }
  Expected expected{Decision::Admitted, *chosen, {}, {}};
  if (*chosen != task.context) {
    expected.migratedFrom = task.context;
    ++task.migrations;
    task.context = *chosen;
  }
  start(task, release);
  return expected;
}

void Reference::start(TaskModel& task, const Release& release) {
  JobModel job;
  job.token = release.token;
  job.releaseUs = release.releaseUs;
  job.deadlineUs = release.releaseUs + task.spec.deadlineUs;
  Wide done = 0;
  for (std::size_t stage = 0; stage < task.windows.size(); ++stage) {
    done += task.mretUs(stage);
    const Wide shareUs = done * task.spec.deadlineUs / task.mretUs();
    job.virtualDeadlinesUs.push_back(release.releaseUs + static_cast<TimeUs>(shareUs));
  }
  job.level = levelOf(task, 0, false);
  task.rejectionsInRow = 0;
  ++task.counters.admitted;
  task.job = job;
}

TaskModel* Reference::bestEligible(ContextRef ref) {
  std::map<ClassId, std::uint32_t> used;
  for (const auto& [id, task] : tasks)
    if (task.job && task.job->started && task.context == ref) ++used[task.spec.classId];
  TaskModel* best = nullptr;
  for (auto& [id, task] : tasks) {
    if (!task.job || task.job->running || task.context != ref) continue;
    const auto bound = slots.find({task.spec.classId, ref});
    if (!task.job->started && bound != slots.end() && used[task.spec.classId] >= bound->second) continue;
    if (best == nullptr || before(task, *best)) best = &task;
  }
  return best;
}

std::optional<std::uint32_t> Reference::lowestFree(ContextRef ref) {
  for (std::uint32_t stream = 0; stream < contexts[ref].streams; ++stream) {
    const bool taken = std::any_of(tasks.begin(), tasks.end(), [&](const auto& entry) {
      const TaskModel& task = entry.second;
      return task.job && task.job->running && task.context == ref && task.job->stream == stream;
    });
    if (!taken) return stream;
  }
  return std::nullopt;
}

void Reference::dispatch(TaskModel& task, std::uint32_t stream, UnitId unit) {
  task.job->running = task.job->started = true;
  task.job->stream = stream;
  task.job->unit = unit;
}

bool Reference::complete(TaskModel& task, DurationUs execUs, TimeUs now) {
  JobModel& job = *task.job;
  auto& window = task.windows[job.stage];
  window.push_back(std::max<DurationUs>(1, execUs));
  if (window.size() > policy.mretWindow) window.pop_front();
  job.running = false;
  job.predecessorMissed = now > job.virtualDeadlinesUs[job.stage];
  if (++job.stage == task.windows.size()) return true;
  job.level = levelOf(task, job.stage, job.predecessorMissed);
  return false;
}

std::optional<Expected> Reference::end(TaskModel& task, End how, TimeUs now) {
  const bool missed = now > task.job->deadlineUs;
  Counters& counters = task.counters;
  if (how == End::Completed) ++counters.completed;
  if (how == End::Dropped) ++counters.dropped;
  if (how == End::Failed) ++counters.failed;
  if (how == End::Completed && !missed) ++counters.inTime;
  if (missed && !task.job->missCounted) ++counters.missed;
  task.job.reset();
  if (task.removed) {
    tasks.erase(TaskId(task.id));
    return std::nullopt;
  }
  if (task.pending) {
    apply(task);
  } else if (!contexts[task.context].serving) {
    leaveDraining(task);
  }
  if (!task.waiting) return std::nullopt;
  const Token token = *task.waiting;
  task.waiting.reset();
  return admit(task, {token, now}, now);
}

std::uint32_t Reference::markOverdue(TimeUs now) {
  std::uint32_t marked = 0;
  for (auto& [id, task] : tasks) {
    if (!task.job || task.job->missCounted || now <= task.job->deadlineUs) continue;
    task.job->missCounted = true;
    ++task.counters.missed;
    ++marked;
  }
  return marked;
}

}  // namespace daris::sched::reference
