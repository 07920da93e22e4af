#include "engine/sim/slot.hpp"

#include <algorithm>

namespace daris::engine::sim {
SimSlot::SimSlot(std::shared_ptr<const SimModel> model, std::uint32_t context, std::uint32_t batch,
                 std::uint64_t series, const SlotMemory* memory)
    : model_(std::move(model)), context_(context), batch_(batch) {
  const model::Manifest& manifest = model_->manifest();
  const auto& times = model_->times(batch);
  for (const StageTime& time : times) times_.emplace_back(time, series * times.size() + times_.size());
  if (memory != nullptr) {
    inputs_ = memory->inputs;
    outputs_ = memory->outputs;
  } else {
    for (const model::Tensor& tensor : manifest.inputs) inputs_.emplace_back(own_buffer(tensor));
    for (const model::Tensor& tensor : manifest.outputs) outputs_.emplace_back(own_buffer(tensor));
  }
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const auto* sample = model_->sample(manifest.inputs[i].name);
    if (sample == nullptr) continue;
    for (std::size_t at = 0; at < inputs_[i].size(); at += sample->size())
      std::ranges::copy(*sample, inputs_[i].subspan(at).begin());
  }
}

std::span<std::byte> SimSlot::own_buffer(const model::Tensor& tensor) {
  return own_.emplace_back(tensor.element_bytes() * batch_);
}

std::uint64_t SimSlot::memory_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto* list : {&inputs_, &outputs_}) {
    for (const auto& buffer : *list) bytes += buffer.size();
  }
  return bytes;
}

}  // namespace daris::engine::sim
