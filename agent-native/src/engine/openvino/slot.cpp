#include "engine/openvino/slot.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>

#include "engine/openvino/element_type.hpp"

namespace daris::engine::openvino {
namespace {

std::span<std::byte> bytes_of(ov::Tensor tensor) {
  return {static_cast<std::byte*>(tensor.data()), tensor.get_byte_size()};
}

std::vector<std::span<std::byte>> spans_of(const TensorSet& set, const std::vector<model::Tensor>& tensors) {
  std::vector<std::span<std::byte>> spans;
  for (const model::Tensor& tensor : tensors) spans.push_back(bytes_of(set.at(tensor.name)));
  return spans;
}

}  // namespace

TensorSet::TensorSet(const model::Manifest& manifest, const Samples& samples, std::uint32_t batch,
                     const SlotMemory* memory) {
  if (memory != nullptr) {
    lay(manifest.inputs, memory->inputs, batch);
    lay(manifest.outputs, memory->outputs, batch);
  }
  for (const auto* list : {&manifest.inputs, &manifest.outputs, &manifest.tensors}) {
    for (const model::Tensor& tensor : *list) {
      if (tensors_.contains(tensor.name)) continue;
      ov::Tensor own(element_type(tensor.datatype), batched_shape(tensor, batch));
      std::memset(own.data(), 0, own.get_byte_size());
      tensors_.emplace(tensor.name, own);
    }
  }
  for (const auto& [name, element] : samples) {
    const std::span<std::byte> input = bytes_of(at(name));
    for (std::size_t i = 0; i < batch; ++i)
      std::ranges::copy(element, input.subspan(i * element.size()).begin());
  }
}

void TensorSet::lay(const std::vector<model::Tensor>& tensors,
                    const std::vector<std::span<std::byte>>& memory, std::uint32_t batch) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const model::Tensor& tensor = tensors[i];
    tensors_.emplace(tensor.name, ov::Tensor(element_type(tensor.datatype), batched_shape(tensor, batch),
                                             memory[i].data()));
  }
}

TensorSet TensorSet::part(const model::Manifest& manifest, std::uint32_t batch) const {
  TensorSet part;
  for (const auto* list : {&manifest.inputs, &manifest.outputs, &manifest.tensors}) {
    for (const model::Tensor& tensor : *list) {
      ov::Tensor whole = at(tensor.name);
      part.tensors_.emplace(
          tensor.name, ov::Tensor(element_type(tensor.datatype), batched_shape(tensor, batch), whole.data()));
    }
  }
  return part;
}

std::uint64_t TensorSet::bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [name, tensor] : tensors_) bytes += tensor.get_byte_size();
  return bytes;
}

ov::InferRequest TensorSet::request(ov::CompiledModel& compiled, const model::Stage& stage) const {
  ov::InferRequest request = compiled.create_infer_request();
  for (const std::string& name : stage.inputs) request.set_tensor(name, at(name));
  for (const std::string& name : stage.outputs) request.set_tensor(name, at(name));
  return request;
}

OpenvinoSlot::OpenvinoSlot(std::shared_ptr<const OpenvinoModel> model, std::uint32_t context,
                           const std::vector<std::uint32_t>& batches, const std::vector<StreamStages>& forms,
                           const SlotMemory* memory)
    : CopyingSlot(model->manifest(), batches),
      model_(std::move(model)),
      context_(context),
      tensors_(model_->manifest(), model_->samples(), largest_batch(), memory) {
  const model::Manifest& manifest = model_->manifest();
  for (std::size_t form = 0; form < batches.size(); ++form)
    requests_.push_back(prepare(forms[form], tensors_.part(manifest, batches[form])));
  inputs_ = spans_of(tensors_, manifest.inputs);
  outputs_ = spans_of(tensors_, manifest.outputs);
}

std::vector<OpenvinoSlot::StageRequests> OpenvinoSlot::prepare(const StreamStages& copies,
                                                               const TensorSet& tensors) const {
  const model::Manifest& manifest = model_->manifest();
  std::vector<StageRequests> streams;
  for (const auto& stages : copies) {
    StageRequests& requests = streams.emplace_back();
    for (std::size_t i = 0; i < stages->size(); ++i)
      requests.push_back(tensors.request((*stages)[i], manifest.stages[i]));
  }
  return streams;
}

const char* OpenvinoSlot::infer(std::uint32_t stage, std::uint32_t stream, std::uint32_t form) noexcept {
  const std::string& name = model_->manifest().stages[stage].name;
  try {
    requests_[form][stream][stage].infer();
    return nullptr;
  } catch (const std::exception& error) {
    std::snprintf(error_.data(), error_.size(), "stage '%s': %s", name.c_str(), error.what());
  } catch (...) {
    std::snprintf(error_.data(), error_.size(), "stage '%s': unknown error", name.c_str());
  }
  return error_.data();
}

}  // namespace daris::engine::openvino
