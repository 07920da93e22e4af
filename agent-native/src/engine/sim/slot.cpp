#include "engine/sim/slot.hpp"

#include <algorithm>

namespace daris::engine::sim {
namespace {

std::vector<std::byte> buffer_of(const model::Tensor& tensor, std::uint32_t batch) {
  return std::vector<std::byte>(tensor.element_bytes() * batch);
}

}  // namespace

SimSlot::SimSlot(std::shared_ptr<const SimModel> model, std::uint32_t context, std::uint32_t batch,
                 std::uint64_t series)
    : model_(std::move(model)), context_(context), batch_(batch) {
  const model::Manifest& manifest = model_->manifest();
  const auto& times = model_->times(batch);
  for (const StageTime& time : times) times_.emplace_back(time, series * times.size() + times_.size());
  for (const model::Tensor& tensor : manifest.outputs) outputs_.push_back(buffer_of(tensor, batch));
  for (const model::Tensor& tensor : manifest.inputs) {
    auto& input = inputs_.emplace_back(buffer_of(tensor, batch));
    const auto* sample = model_->sample(tensor.name);
    if (sample == nullptr) continue;
    for (auto at = input.begin(); at != input.end(); at += std::ssize(*sample))
      std::ranges::copy(*sample, at);
  }
}

std::uint64_t SimSlot::memory_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto* list : {&inputs_, &outputs_}) {
    for (const auto& buffer : *list) bytes += buffer.size();
  }
  return bytes;
}

}  // namespace daris::engine::sim
