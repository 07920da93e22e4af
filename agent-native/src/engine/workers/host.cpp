#include "engine/workers/host.hpp"

#include <stdexcept>
#include <string>

namespace daris::engine::workers {

using nlohmann::json;

json Host::answer(Message& message, const std::stop_token& stop) {
  const std::string call = message.body.at("call");
  if (call == "load") return load(message, stop);
  if (call == "createSlot") return create_slot(message);
  if (call == "destroySlot") {
    slots_.erase(message.body.at("slot").get<std::uint64_t>());
  } else if (call == "unload") {
    models_.erase(message.body.at("model").get<std::uint64_t>());
  } else {
    throw std::runtime_error("a worker does not know the call " + call);
  }
  return json::object();
}

json Host::load(const Message& message, const std::stop_token& stop) {
  const model::Package package =
      model::open_package(message.fd, message.body.at("digest").get<std::string>());
  auto model = engine_.load(package, stop);
  json result{{"batches", model->batches()}, {"memoryBytes", model->memory_bytes()}};
  models_[message.body.at("model").get<std::uint64_t>()] = std::move(model);
  return result;
}

json Host::create_slot(Message& message) {
  const auto& model = models_.at(message.body.at("model").get<std::uint64_t>());
  const auto batches = message.body.at("batches").get<std::vector<std::uint32_t>>();
  auto hosted = std::make_unique<HostedSlot>(
      HostedSlot{.memory = SharedMemory(std::move(message.fd)), .layout = {}, .slot = nullptr});
  hosted->layout = lay_out(hosted->memory.bytes(), model->manifest(), batches.back());
  hosted->slot = engine_.create_slot_in(hosted->layout.buffers, model, 0, batches);
  const auto remarks = hosted->slot->remarks();
  const auto word = reinterpret_cast<std::uint64_t>(hosted.get());
  json result{{"slot", word},
              {"memoryBytes", hosted->slot->memory_bytes()},
              {"remarks", std::vector<std::string>(remarks.begin(), remarks.end())}};
  slots_[word] = std::move(hosted);
  return result;
}

}  // namespace daris::engine::workers
