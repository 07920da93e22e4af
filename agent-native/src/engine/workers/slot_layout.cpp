#include "engine/workers/slot_layout.hpp"

#include <stdexcept>

namespace daris::engine::workers {
namespace {

constexpr std::size_t kPage = 4096;

std::size_t in_pages(std::size_t bytes) {
  return (bytes + kPage - 1) / kPage * kPage;
}

}  // namespace

std::size_t slot_bytes(const model::Manifest& manifest, std::uint32_t batch) {
  std::size_t bytes = kPage;
  for (const auto* list : {&manifest.inputs, &manifest.outputs}) {
    for (const model::Tensor& tensor : *list) bytes += in_pages(tensor.element_bytes() * batch);
  }
  return bytes;
}

SlotLayout lay_out(std::span<std::byte> memory, const model::Manifest& manifest, std::uint32_t batch) {
  if (memory.size() != slot_bytes(manifest, batch))
    throw std::runtime_error("memory of " + std::to_string(memory.size()) + " bytes is not that of a slot");
  SlotLayout layout;
  layout.error = {reinterpret_cast<char*>(memory.data()), kPage};
  std::size_t next = kPage;
  const auto place = [&](const model::Tensor& tensor) {
    const std::size_t bytes = tensor.element_bytes() * batch;
    const auto span = memory.subspan(next, bytes);
    next += in_pages(bytes);
    return span;
  };
  for (const model::Tensor& tensor : manifest.inputs) layout.buffers.inputs.push_back(place(tensor));
  for (const model::Tensor& tensor : manifest.outputs) layout.buffers.outputs.push_back(place(tensor));
  return layout;
}

}  // namespace daris::engine::workers
