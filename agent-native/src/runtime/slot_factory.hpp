// Makes slots within a bound on their memory. The loader's alone.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/engine.hpp"

namespace daris::runtime {

struct SlotOrder {
  std::shared_ptr<const engine::LoadedModel> model;
  std::uint32_t batch = 1;
  std::vector<std::uint32_t> have;    // by context
  std::vector<std::uint32_t> wanted;  // by context
};

struct SlotDelivery {
  std::vector<std::unique_ptr<engine::Slot>> slots;
  std::string fault;              // a context that should have slots has none: why
  std::set<std::string> remarks;  // of the slots, each once
};

class SlotFactory {
 public:
  SlotFactory(engine::Engine& engine, std::uint64_t limitBytes) : engine_(engine), limitBytes_(limitBytes) {}

  /// First one slot for each context that wants any, then the others while memory lasts. Never throws.
  [[nodiscard]] SlotDelivery make(const SlotOrder& order);

  void destroy(std::vector<std::unique_ptr<engine::Slot>> slots);

 private:
  [[nodiscard]] bool add(const SlotOrder& order, std::uint32_t context, SlotDelivery& delivery);

  engine::Engine& engine_;
  std::uint64_t limitBytes_;
  std::uint64_t usedBytes_ = 0;
};

}  // namespace daris::runtime
