#include "gpu/open_loop.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "gpu/task_group.hpp"

namespace daris::bench {
namespace {

constexpr std::size_t kMostUnit = 256;

/// The smallest form that holds so many jobs.
std::uint32_t form_of(const std::vector<std::uint32_t>& capacities, std::size_t jobs) {
  const auto found = std::ranges::lower_bound(capacities, jobs);
  return static_cast<std::uint32_t>(found - capacities.begin());
}

}  // namespace

OpenLoop::OpenLoop(engine::Engine& engine, const runtime::Clock& clock, std::vector<OpenClass> classes,
                   std::vector<OpenTask> tasks, QueueRule& rule, std::size_t most)
    : engine_(engine), clock_(clock), classes_(std::move(classes)), tasks_(std::move(tasks)), rule_(rule) {
  samples_.make_room(most);
  make_lanes();
}

void OpenLoop::make_lanes() {
  for (std::uint32_t context = 0; context < engine_.contexts().size(); ++context) {
    for (std::uint32_t stream = 0; stream < engine_.contexts()[context].streams; ++stream) {
      Lane lane{.context = context, .stream = stream};
      for (const OpenClass& each : classes_) {
        std::uint32_t passed = 0;
        for (const auto& slot : *each.slots)
          if (slot->context() == context && passed++ == stream) lane.slots.push_back(slot.get());
      }
      lane.unit.reserve(kMostUnit);
      lanes_.push_back(std::move(lane));
    }
  }
}

Samples OpenLoop::run_until(TimeUs until) {
  start_grid();
  TimeUs now = clock_.steadyUs();
  for (; now < until; now = clock_.steadyUs()) {
    take_completions();
    release_due(now);
    feed_lanes(now);
  }
  while (running_ > 0) take_completions();
  for (const WaitingJob& job : rule_.leftover()) record(job, now, sched::End::Dropped, 1);
  if (beyond_ > 0) throw std::runtime_error(std::to_string(beyond_) + " releases more than foreseen");
  return std::move(samples_);
}

// ---- Releases ----

void OpenLoop::start_grid() {
  const TimeUs from = clock_.steadyUs();
  for (std::uint32_t task = 0; task < tasks_.size(); ++task)
    grid_.push_back({from + release_offset(task + 1, tasks_[task].period_us), task});
  std::ranges::make_heap(grid_, std::greater{}, &Due::at_us);
}

void OpenLoop::release_due(TimeUs now) {
  while (!grid_.empty() && grid_.front().at_us <= now) {
    std::ranges::pop_heap(grid_, std::greater{}, &Due::at_us);
    Due& due = grid_.back();
    const OpenTask& task = tasks_[due.task];
    rule_.enqueue({.release_us = due.at_us,
                   .deadline_us = due.at_us + task.period_us,
                   .task = due.task,
                   .class_index = task.class_index,
                   .high = task.high});
    if (samples_.releases.size() < samples_.releases.capacity()) {
      samples_.releases.push_back({.release_us = due.at_us, .group = task.group});
    } else {
      ++beyond_;
    }
    due.at_us += task.period_us;
    std::ranges::push_heap(grid_, std::greater{}, &Due::at_us);
  }
}

// ---- Lanes ----

void OpenLoop::feed_lanes(TimeUs now) {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    if (!lanes_[i].unit.empty()) continue;
    rule_.take(now, lanes_[i].unit);
    if (lanes_[i].unit.empty()) return;  // nothing for the others either
    begin(lanes_[i]);
    launch(i, 0);
    ++running_;
  }
}

void OpenLoop::begin(Lane& lane) {
  const std::uint32_t of = lane.unit.front().class_index;
  lane.form = form_of(classes_[of].capacities, lane.unit.size());
  for (std::uint32_t place = 0; place < lane.unit.size(); ++place)
    lane.slots[of]->seat(place, *tasks_[lane.unit[place].task].input, false);
}

void OpenLoop::launch(std::size_t lane, std::uint32_t stage) {
  const Lane& from = lanes_[lane];
  engine_.launch({.slot = from.slots[from.unit.front().class_index],
                  .stage = stage,
                  .stream = from.stream,
                  .tag = lane,
                  .form = from.form});
}

void OpenLoop::take_completions() {
  std::array<engine::Completion, 64> completions;
  const std::size_t count = engine_.poll(completions);
  for (std::size_t i = 0; i < count; ++i) {
    const engine::Completion& completion = completions[i];
    if (completion.error != nullptr) throw std::runtime_error(completion.error);
    Lane& lane = lanes_[completion.tag];
    if (completion.stage + 1 < classes_[lane.unit.front().class_index].stages) {
      launch(completion.tag, completion.stage + 1);
    } else {
      ended(lane, clock_.steadyUs());
    }
  }
}

void OpenLoop::ended(Lane& lane, TimeUs now) {
  lane.slots[lane.unit.front().class_index]->vacate();
  for (const WaitingJob& job : lane.unit) record(job, now, sched::End::Completed, lane.unit.size());
  lane.unit.clear();
  --running_;
}

void OpenLoop::record(const WaitingJob& job, TimeUs now, sched::End end, std::size_t together) {
  if (samples_.jobs.size() == samples_.jobs.capacity()) return;  // its release was beyond, too
  const bool late = now > job.deadline_us;
  samples_.jobs.push_back({.release_us = job.release_us,
                           .response_us = static_cast<std::uint32_t>(now - job.release_us),
                           .group = tasks_[job.task].group,
                           .end = end,
                           .cause = late ? sched::MissCause::Queued : sched::MissCause::None,
                           .missed = late,
                           .unit_jobs = static_cast<std::uint16_t>(together)});
}

}  // namespace daris::bench
