#include "runtime/timetable.hpp"

#include <algorithm>

namespace daris::runtime {

namespace {

/// The standard heap keeps the largest in front.
bool later(const TaskRecord* a, const TaskRecord* b) {
  return a->dueUs > b->dueUs;
}

}  // namespace

void Timetable::fill(std::vector<TaskRecord*> records) {
  heap_ = std::move(records);
  std::ranges::make_heap(heap_, later);
  taken_.clear();
  taken_.reserve(heap_.size());
}

std::span<TaskRecord* const> Timetable::takeDue(TimeUs now) {
  while (nextUs() <= now) {
    std::ranges::pop_heap(heap_, later);
    taken_.push_back(heap_.back());
    heap_.pop_back();
  }
  std::ranges::sort(taken_, {}, &TaskRecord::instance);
  return taken_;
}

void Timetable::putBack() {
  for (TaskRecord* record : taken_) {
    heap_.push_back(record);
    std::ranges::push_heap(heap_, later);
  }
  taken_.clear();
}

}  // namespace daris::runtime
