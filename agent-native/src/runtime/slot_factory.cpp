#include "runtime/slot_factory.hpp"

#include <exception>

namespace daris::runtime {

namespace {

std::string exhausted(std::uint64_t bytes, std::uint64_t used, std::uint64_t limit) {
  return "a slot takes " + std::to_string(bytes) + " bytes and " + std::to_string(used) + " of " +
         std::to_string(limit) + " are used; raise --slot-memory";
}

}  // namespace

SlotDelivery SlotFactory::make(const SlotOrder& order) {
  SlotDelivery delivery;
  try {
    for (std::uint32_t context = 0; context < order.wanted.size(); ++context) {
      const bool needs = order.wanted[context] > 0 && order.have[context] == 0;
      if (needs && !add(order, context, delivery)) return delivery;
    }
    for (std::uint32_t context = 0; context < order.wanted.size(); ++context) {
      const std::uint32_t there = order.have[context] > 0 ? order.have[context] : 1;
      for (std::uint32_t i = there; i < order.wanted[context]; ++i) {
        if (add(order, context, delivery)) continue;
        delivery.fault.clear();  // fewer slots than tasks: jobs without one wait unstarted
        return delivery;
      }
    }
  } catch (const std::exception& error) {
    delivery.fault = error.what();
  }
  return delivery;
}

bool SlotFactory::add(const SlotOrder& order, std::uint32_t context, SlotDelivery& delivery) {
  auto slot = engine_.create_slot(order.model, context, {order.batch});
  const std::uint64_t bytes = slot->memory_bytes();
  if (usedBytes_ + bytes > limitBytes_) {
    delivery.fault = exhausted(bytes, usedBytes_, limitBytes_);
    return false;
  }
  usedBytes_ += bytes;
  delivery.remarks.insert(slot->remarks().begin(), slot->remarks().end());
  delivery.slots.push_back(std::move(slot));
  return true;
}

void SlotFactory::destroy(std::vector<std::unique_ptr<engine::Slot>> slots) {
  for (auto& slot : slots) usedBytes_ -= slot->memory_bytes();
}

}  // namespace daris::runtime
