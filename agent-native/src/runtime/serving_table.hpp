// Which tasks take requests at this moment: an immutable table that request threads read without waiting.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "engine/engine.hpp"
#include "runtime/observed_state.hpp"
#include "runtime/request.hpp"

namespace daris::runtime {

struct ServedTask {
  std::string name;  // task.namespace
  TaskPhase phase = TaskPhase::Loading;
  std::string message;  // why it does not serve
  InstanceId instance = 0;
  std::uint32_t batch = 1;
  std::string modelDigest;
  std::shared_ptr<const engine::LoadedModel> model;  // Serving
};

/// By served name.
using ServingTable = std::map<std::string, ServedTask, std::less<>>;

}  // namespace daris::runtime
