// Periodic tasks by the instant of their next release, so that finding those that are due costs the logarithm
// of how many there are: a thousand tasks are released every few microseconds on a large GPU.
#pragma once

#include <span>
#include <vector>

#include "runtime/task_record.hpp"

namespace daris::runtime {

inline constexpr TimeUs kNever = INT64_MAX;

/// Refers to records, which must stay where they are until they are left out of the next `fill`. Their
/// instants are kept beside them, so that none but those that are due are looked at. Everything but `fill`
/// allocates nothing.
class Timetable {
 public:
  /// Begins anew with these records, as they are due now.
  void fill(const std::vector<TaskRecord*>& records);

  /// Of the record that is due first; kNever without one.
  [[nodiscard]] TimeUs nextUs() const { return heap_.empty() ? kNever : heap_.front().dueUs; }

  /// Takes out all that are due at `now`, in order of instance. They are put back by `putBack` once they have
  /// their next instant. The span is valid until then.
  [[nodiscard]] std::span<TaskRecord* const> takeDue(TimeUs now);
  void putBack();

 private:
  struct Entry {
    TimeUs dueUs = 0;
    TaskRecord* record = nullptr;
  };

  std::vector<Entry> heap_;  // the first one is due first
  std::vector<TaskRecord*> taken_;
};

}  // namespace daris::runtime
