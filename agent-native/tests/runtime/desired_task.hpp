// Sound desired tasks for tests to change one thing of, and the device that they are for.
#pragma once

#include <string>

#include "engine/engine.hpp"
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

inline runtime::DesiredTask highTask(const std::string& name, DurationUs periodUs) {
  runtime::DesiredTask task = taskNamed(name);
  task.priority = sched::Priority::High;
  task.periodUs = task.deadlineUs = periodUs;
  return task;
}

inline const engine::Device kCores{.uuid = "cpu-0",
                                   .product = "cores",
                                   .units = 2,
                                   .memory_bytes = 0,
                                   .engine = "openvino",
                                   .engine_version = "1"};

}  // namespace daris::test
