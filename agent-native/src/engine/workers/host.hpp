// What a worker holds for the runtime: models and slots, by the words that the two agreed on.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <stop_token>

#include "engine/engine.hpp"
#include "engine/workers/channel.hpp"
#include "engine/workers/pump.hpp"

namespace daris::engine::workers {

/// One call at a time; each blocks for as long as the engine's own. Stages run meanwhile.
class Host {
 public:
  /// `engine` has one context and outlives this.
  explicit Host(Engine& engine) : engine_(engine) {}

  /// Does what a message asks for and answers with the result. Throws what the engine throws.
  [[nodiscard]] nlohmann::json answer(Message& message, const std::stop_token& stop);

 private:
  [[nodiscard]] nlohmann::json load(const Message& message, const std::stop_token& stop);
  [[nodiscard]] nlohmann::json create_slot(Message& message);

  Engine& engine_;
  std::map<std::uint64_t, std::shared_ptr<const LoadedModel>> models_;
  std::map<std::uint64_t, std::unique_ptr<HostedSlot>> slots_;  // by address; destroyed before the models
};

}  // namespace daris::engine::workers
