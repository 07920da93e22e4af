#include "engine/job_memory.hpp"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstring>
#include <new>
#include <string>

namespace daris::engine {
namespace {

class HeapJobMemory : public JobMemory {
 public:
  HeapJobMemory(const model::Manifest& manifest, std::uint32_t batch) {
    for (const model::Tensor& tensor : manifest.inputs) inputs_.emplace_back(tensor.element_bytes() * batch);
    for (const model::Tensor& tensor : manifest.outputs)
      outputs_.emplace_back(tensor.element_bytes() * batch);
  }

  [[nodiscard]] std::span<std::byte> input(std::size_t i) override { return inputs_[i]; }
  [[nodiscard]] std::span<std::byte> output(std::size_t i) override { return outputs_[i]; }
  [[nodiscard]] std::uint64_t id() const override { return id_; }

 private:
  std::uint64_t id_ = next_job_memory_id();
  std::vector<std::vector<std::byte>> inputs_;
  std::vector<std::vector<std::byte>> outputs_;
};

}  // namespace

std::uint64_t next_job_memory_id() {
  static std::atomic<std::uint64_t> made{0};
  return ++made;
}

std::shared_ptr<JobMemory> make_heap_job_memory(const model::Manifest& manifest, std::uint32_t batch) {
  try {
    return std::make_shared<HeapJobMemory>(manifest, batch);
  } catch (const std::bad_alloc&) {
    throw EngineError(
        "OutOfMemory",
        "the host has no memory left for the inputs and outputs of a job of batch " + std::to_string(batch));
  }
}

void copy_inputs(Slot& slot, std::size_t inputs, std::uint32_t place, JobMemory& job) {
  for (std::size_t i = 0; i < inputs; ++i) {
    const std::span<const std::byte> from = job.input(i);
    std::memcpy(slot.input(i).subspan(place * from.size(), from.size()).data(), from.data(), from.size());
  }
}

void copy_outputs(const Slot& slot, std::size_t outputs, std::uint32_t place, JobMemory& job) {
  for (std::size_t i = 0; i < outputs; ++i) {
    const std::span<std::byte> to = job.output(i);
    std::memcpy(to.data(), slot.output(i).subspan(place * to.size(), to.size()).data(), to.size());
  }
}

CopyingSlot::CopyingSlot(const model::Manifest& manifest, std::vector<std::uint32_t> batches)
    : batches_(std::move(batches)),
      inputs_(manifest.inputs.size()),
      outputs_(manifest.outputs.size()),
      held_(batches_.back(), 0) {
  assert(std::ranges::is_sorted(batches_));
}

void CopyingSlot::seat(std::uint32_t place, JobMemory& job, bool /*outputs*/) {
  const std::size_t bytes = job.input(0).size();
  if (bytes != place_bytes_) std::ranges::fill(held_, 0);
  place_bytes_ = bytes;
  if (held_[place] == job.id()) return;
  copy_inputs(*this, inputs_, place, job);
  held_[place] = job.id();
}

void CopyingSlot::collect(std::uint32_t place, JobMemory& job) {
  copy_outputs(*this, outputs_, place, job);
}

}  // namespace daris::engine
