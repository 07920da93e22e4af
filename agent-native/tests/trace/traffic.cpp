#include "trace/traffic.hpp"

#include <stdexcept>

namespace daris::test {

namespace {

constexpr DurationUs kTickUs = 10;
constexpr TimeUs kStartUs = 1'000'000;
constexpr int kLonger = 6;  // periods, and as many times the tasks: they queue, and have time to go together

sched::Config configOf(std::uint32_t contexts, std::uint32_t streams, bool joining) {
  sched::Config config{{{64, contexts, streams, 1.5}}, {}};
  config.policy.mretAging = true;
  config.policy.joining = joining;
  return config;
}

sched::TaskSpec specOf(std::uint64_t i) {
  sched::TaskSpec spec;
  spec.priority = i % 3 == 0 ? sched::Priority::High : sched::Priority::Low;
  spec.periodUs = 600 + 37 * static_cast<DurationUs>(i);
  spec.deadlineUs = spec.periodUs - 100;
  spec.afetUs = {100, 80 + static_cast<DurationUs>(i), 120};
  spec.lateJobs = i % 2 == 0 ? sched::LateJobs::Drop : sched::LateJobs::Finish;
  spec.releaseMode = i % 4 == 1 ? sched::ReleaseMode::OnRequest : sched::ReleaseMode::Periodic;
  if (i % 8 == 1) spec.releaseJitterUs = 500;
  spec.classId = static_cast<sched::ClassId>(i % 3);
  spec.order = i;
  if (i % 3 == 1) spec.context = sched::ContextRef{0, 0};  // crowded: they must migrate
  return spec;
}

/// The value of a call that must succeed.
template <typename T>
T must(sched::Outcome<T> outcome) {
  if (!outcome.ok()) throw std::logic_error(std::string(outcome.error().what));
  return std::move(outcome.value());
}

}  // namespace

Traffic::Traffic(trace::Ring& ring, bool joining)
    : joining_(joining),
      config_(configOf(kContexts, kStreams, joining)),
      scheduler_(must(trace::RecordedScheduler::create(config_, ring, kStartUs))) {
  const std::vector<sched::Capacity> capacities{
      {1, {100, 80, 120}}, {2, {110, 90, 130}}, {4, {120, 100, 140}}};
  for (const sched::ClassId classId : {1, 2})
    if (joining) (void)must(scheduler_.setCapacities(classId, capacities, kStartUs));
  for (int i = 0; i < (joining ? 12 * kLonger : 12); ++i) add();
}

void Traffic::add() {
  Task task;
  task.spec = specOf(tasks_.size());
  if (joining_) {
    task.spec.periodUs *= kLonger;
    task.spec.deadlineUs *= kLonger;
  }
  task.id = must(scheduler_.addTask(task.spec, nowUs_)).task;
  task.dueUs = nowUs_ + static_cast<DurationUs>(random_() % 500);
  labels_[task.spec.order] = "default/t" + std::to_string(task.spec.order);
  tasks_.push_back(std::move(task));
}

void Traffic::run(DurationUs durationUs) {
  for (const TimeUs endUs = nowUs_ + durationUs; nowUs_ < endUs; nowUs_ += kTickUs) {
    completions();
    releases();
    dispatch();
  }
}

void Traffic::completions() {
  for (Running& stream : streams_) {
    if (!stream.busy || stream.endUs > nowUs_) continue;
    stream.busy = false;
    if (random_() % 100 == 0) {
      (void)must(scheduler_.fail(stream.unit, stream.stage, nowUs_));
    } else {
      (void)must(scheduler_.complete(stream.unit, stream.stage, nowUs_ - stream.startUs, nowUs_));
    }
  }
}

void Traffic::releases() {
  for (Task& task : tasks_) {
    if (task.removed) continue;
    if (task.spec.releaseMode == sched::ReleaseMode::OnRequest) {
      if (random_() % 40 == 0) (void)must(scheduler_.request(task.id, ++token_, nowUs_));
      // Whether the newest one waits is the scheduler's to say.
      if (random_() % 80 == 0) (void)scheduler_.withdraw(task.id, token_, nowUs_);
    } else if (task.dueUs <= nowUs_) {
      (void)must(scheduler_.release(task.id, {0, task.dueUs}, nowUs_));
      task.dueUs += task.spec.periodUs;
    }
  }
}

void Traffic::dispatch() {
  for (bool again = true; again;) {
    again = false;
    for (std::uint32_t context = 0; context < kContexts; ++context) {
      const sched::Next next = must(scheduler_.next({0, context}, nowUs_));
      if (next.kind == sched::NextKind::Idle) continue;
      again = true;
      if (next.kind == sched::NextKind::Drop) continue;
      const auto execUs = static_cast<DurationUs>(90 + random_() % 160);
      streams_[context * kStreams + next.run.stream] = {true, next.run.unit, next.run.stage, nowUs_,
                                                        nowUs_ + execUs};
    }
  }
}

void Traffic::change() {
  ++changes_;
  Task& gone = tasks_[static_cast<std::size_t>(changes_)];
  gone.removed = true;
  (void)must(scheduler_.removeTask(gone.id, nowUs_));
  add();
  Task& changed = tasks_[tasks_.size() - 2];
  changed.spec.periodUs += 50;
  changed.spec.context.reset();
  (void)must(scheduler_.changeTask(changed.id, changed.spec, nowUs_));
  sched::TaskSpec wrong = changed.spec;
  wrong.order += 1000;
  wrong.deadlineUs = wrong.periodUs + 1;
  if (scheduler_.addTask(wrong, nowUs_).ok())
    throw std::logic_error("a deadline beyond the period was accepted");
  config_.policy.admission = changes_ % 2 == 1 ? sched::Admission::Predicted : sched::Admission::Utilization;
  config_.policy.joining = joining_ && changes_ % 3 != 0;
  (void)must(scheduler_.configure(config_, nowUs_));
  (void)must(scheduler_.setSlots(1, {0, 2}, static_cast<std::uint32_t>(changes_ % 3), nowUs_));
}

}  // namespace daris::test
