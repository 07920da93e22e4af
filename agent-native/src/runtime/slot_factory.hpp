// Makes slots within a bound on their memory. The loader's alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "runtime/slot_pool.hpp"

namespace daris::runtime {

/// The inputs of a model when no client has sent any: a batch element of each; empty where there is none.
using SampleInputs = std::vector<std::vector<std::byte>>;

struct SlotOrder {
  std::shared_ptr<const engine::LoadedModel> model;
  /// Of each slot, ascending; the first is that of one job.
  std::vector<std::uint32_t> batches;
  std::vector<std::uint32_t> have;    // by context
  std::vector<std::uint32_t> wanted;  // by context
  /// With the first order of a class, which gets its sample with it. Then too it may get less than all of the
  /// batches, the largest left out, where memory does not suffice. Null: what is there has all of them.
  std::shared_ptr<const SampleInputs> sample;
};

struct SlotDelivery {
  std::vector<std::unique_ptr<engine::Slot>> slots;
  std::size_t batches = 0;  // of those ordered, that each slot has
  std::shared_ptr<engine::JobMemory> sample;
  std::string fault;              // a context that should have slots has none: why
  std::set<std::string> remarks;  // what people should know of the slots, each once
};

class SlotFactory {
 public:
  SlotFactory(engine::Engine& engine, std::uint64_t limitBytes) : engine_(engine), limitBytes_(limitBytes) {}

  /// First one slot for each context that wants any, then the others while memory lasts. Never throws.
  [[nodiscard]] SlotDelivery make(const SlotOrder& order);

  void destroy(SlotPool::Contents contents);

 private:
  void addFirst(const SlotOrder& order, SlotDelivery& delivery);
  void addOthers(const SlotOrder& order, SlotDelivery& delivery);
  void add(const SlotOrder& order, std::uint32_t context, SlotDelivery& delivery);
  [[nodiscard]] std::shared_ptr<engine::JobMemory> sampleOf(const SlotOrder& order) const;

  engine::Engine& engine_;
  std::uint64_t limitBytes_;
  std::uint64_t usedBytes_ = 0;
};

}  // namespace daris::runtime
