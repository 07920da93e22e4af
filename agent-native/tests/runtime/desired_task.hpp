// A sound desired task for tests to change one thing of.
#pragma once

#include <string>

#include "runtime/desired_state.hpp"

namespace daris::test {

inline runtime::DesiredTask taskNamed(const std::string& name) {
  runtime::DesiredTask task;
  task.uid = "uid-" + name;
  task.nameSpace = "default";
  task.name = name;
  task.epoch = 1;
  task.modelDigest = "sha256:a";
  task.gpuUuid = "cpu-0";
  task.priority = sched::Priority::Low;
  task.periodUs = 100'000;
  task.deadlineUs = 100'000;
  task.release = sched::ReleaseMode::Periodic;
  task.batchSize = 1;
  return task;
}

}  // namespace daris::test
