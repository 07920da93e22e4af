#include "engine/sim/slot.hpp"

#include <algorithm>

namespace daris::engine::sim {

SimSlot::SimSlot(std::shared_ptr<const SimModel> model, std::uint32_t context,
                 const std::vector<std::uint32_t>& batches, std::uint64_t series, const SlotMemory* memory)
    : CopyingSlot(model->manifest(), batches), model_(std::move(model)), context_(context) {
  const model::Manifest& manifest = model_->manifest();
  for (const std::uint32_t batch : batches) {
    const auto& times = model_->times(batch);
    auto& form = times_.emplace_back();
    for (const StageTime& time : times) form.emplace_back(time, series * times.size() + form.size());
    ++series;
  }
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
  return own_.emplace_back(tensor.element_bytes() * largest_batch());
}

std::uint64_t SimSlot::memory_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto* list : {&inputs_, &outputs_}) {
    for (const auto& buffer : *list) bytes += buffer.size();
  }
  return bytes;
}

}  // namespace daris::engine::sim
