// Dense indices for the callers' class ids, so that the per-stage path indexes instead of searching.
// An index is reused when no task and no slot bound speaks of its class any more.
#pragma once

#include <cstdint>
#include <vector>

#include "sched/types.hpp"

namespace daris::sched {

class ClassTable {
 public:
  /// The index of a class, or UINT32_MAX.
  [[nodiscard]] std::uint32_t find(ClassId classId) const {
    for (std::uint32_t index = 0; index < classes_.size(); ++index)
      if (classes_[index].named && classes_[index].classId == classId) return index;
    return UINT32_MAX;
  }

  /// The index of a class, which gets one if it has none.
  std::uint32_t intern(ClassId classId) {
    const std::uint32_t known = find(classId);
    if (known != UINT32_MAX) return known;
    std::uint32_t index = 0;
    while (index < classes_.size() && classes_[index].named) ++index;
    if (index == classes_.size()) classes_.emplace_back();
    classes_[index] = {classId, 0, true};
    return index;
  }

  [[nodiscard]] std::uint32_t tasksOf(std::uint32_t index) const { return classes_[index].tasks; }

  void addTask(std::uint32_t index) { ++classes_[index].tasks; }
  void removeTask(std::uint32_t index) { --classes_[index].tasks; }

  /// Gives an index back when nothing uses it; `bounded`: some context has a slot bound for it.
  void forgetUnused(std::uint32_t index, bool bounded) {
    if (classes_[index].tasks == 0 && !bounded) classes_[index].named = false;
  }

  [[nodiscard]] ClassId classIdOf(std::uint32_t index) const { return classes_[index].classId; }
  [[nodiscard]] std::size_t size() const { return classes_.size(); }

 private:
  struct Entry {
    ClassId classId = 0;
    std::uint32_t tasks = 0;
    bool named = false;
  };

  std::vector<Entry> classes_;
};

}  // namespace daris::sched
