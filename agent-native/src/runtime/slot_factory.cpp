#include "runtime/slot_factory.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace daris::runtime {

namespace {

constexpr const char* kNoMemory = "OutOfMemory";

/// In words of jobs, as the policy has it: the largest batch is left out for want of memory.
std::string fewerTogether(const std::vector<std::uint32_t>& batches, std::size_t left,
                          const std::string& why) {
  return "at most " + std::to_string(batches[left - 1] / batches[0]) + " jobs go together, not " +
         std::to_string(batches[left] / batches[0]) + ": " + why;
}

}  // namespace

SlotDelivery SlotFactory::make(const SlotOrder& order) {
  SlotOrder rest = order;
  std::string remark;
  for (;;) {
    SlotDelivery delivery;
    delivery.batches = rest.batches.size();
    try {
      if (order.sample) delivery.sample = sampleOf(order);
      addFirst(rest, delivery);
      if (!remark.empty()) delivery.remarks.insert(remark);
      addOthers(rest, delivery);
      return delivery;
    } catch (const engine::EngineError& error) {
      delivery.fault = error.what();
      const bool canBeLess = order.sample && rest.batches.size() > 1 && error.reason() == kNoMemory;
      if (!canBeLess) return delivery;
    } catch (const std::exception& error) {
      delivery.fault = error.what();
      return delivery;
    }
    destroy({std::move(delivery.slots), std::move(delivery.sample)});
    rest.batches.pop_back();
    remark = fewerTogether(order.batches, rest.batches.size(), delivery.fault);
  }
}

/// One slot for each context that wants some and has none. Throws.
void SlotFactory::addFirst(const SlotOrder& order, SlotDelivery& delivery) {
  for (std::uint32_t context = 0; context < order.wanted.size(); ++context) {
    if (order.wanted[context] > 0 && order.have[context] == 0) add(order, context, delivery);
  }
}

/// Where memory ends there are fewer slots than wanted, and jobs without one wait unstarted. Other faults
/// throw.
void SlotFactory::addOthers(const SlotOrder& order, SlotDelivery& delivery) {
  try {
    for (std::uint32_t context = 0; context < order.wanted.size(); ++context) {
      for (std::uint32_t i = std::max(order.have[context], 1U); i < order.wanted[context]; ++i)
        add(order, context, delivery);
    }
  } catch (const engine::EngineError& error) {
    if (error.reason() != kNoMemory) throw;
  }
}

void SlotFactory::add(const SlotOrder& order, std::uint32_t context, SlotDelivery& delivery) {
  auto slot = engine_.create_slot(order.model, context, order.batches);
  const std::uint64_t bytes = slot->memory_bytes();
  if (usedBytes_ + bytes > limitBytes_) {
    throw engine::EngineError(kNoMemory, "a slot takes " + std::to_string(bytes) + " bytes and " +
                                             std::to_string(usedBytes_) + " of " +
                                             std::to_string(limitBytes_) + " are used; raise --slot-memory");
  }
  usedBytes_ += bytes;
  delivery.remarks.insert(slot->remarks().begin(), slot->remarks().end());
  delivery.slots.push_back(std::move(slot));
}

std::shared_ptr<engine::JobMemory> SlotFactory::sampleOf(const SlotOrder& order) const {
  auto memory = engine_.create_job_memory(*order.model, order.batches.front());
  for (std::size_t i = 0; i < order.sample->size(); ++i) {
    const std::vector<std::byte>& element = (*order.sample)[i];
    const std::span<std::byte> input = memory->input(i);
    if (element.empty()) std::ranges::fill(input, std::byte{0});
    for (std::size_t at = 0; !element.empty() && at < input.size(); at += element.size())
      std::ranges::copy(element, input.subspan(at).begin());
  }
  return memory;
}

void SlotFactory::destroy(SlotPool::Contents contents) {
  for (auto& slot : contents.slots) usedBytes_ -= slot->memory_bytes();
}

}  // namespace daris::runtime
