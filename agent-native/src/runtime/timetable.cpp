#include "runtime/timetable.hpp"

#include <algorithm>
#include <functional>

namespace daris::runtime {

void Timetable::fill(const std::vector<TaskRecord*>& records) {
  heap_.clear();
  for (TaskRecord* record : records) heap_.push_back({record->dueUs, record});
  std::ranges::make_heap(heap_, std::greater{}, &Entry::dueUs);
  taken_.clear();
  taken_.reserve(heap_.size());
}

std::span<TaskRecord* const> Timetable::takeDue(TimeUs now) {
  while (nextUs() <= now) {
    std::ranges::pop_heap(heap_, std::greater{}, &Entry::dueUs);
    taken_.push_back(heap_.back().record);
    heap_.pop_back();
  }
  std::ranges::sort(taken_, {}, &TaskRecord::instance);
  return taken_;
}

void Timetable::putBack() {
  for (TaskRecord* record : taken_) {
    heap_.push_back({record->dueUs, record});
    std::ranges::push_heap(heap_, std::greater{}, &Entry::dueUs);
  }
  taken_.clear();
}

}  // namespace daris::runtime
