// A slot on the CPU: one tensor for each name of the manifest, and for each of its batch sizes, streams and
// stages a prepared request.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <openvino/runtime/infer_request.hpp>
#include <openvino/runtime/tensor.hpp>
#include <string>
#include <vector>

#include "engine/job_memory.hpp"
#include "engine/openvino/loaded_model.hpp"

namespace daris::engine::openvino {

/// The tensors of one job: every name of the manifest once; inputs hold the package's sample, all else zeros.
/// Stages that share a name share its memory, so a border tensor is written by one stage and read by the next
/// without a copy.
class TensorSet {
 public:
  /// Null memory: its own, for inputs and outputs too.
  TensorSet(const model::Manifest& manifest, const Samples& samples, std::uint32_t batch,
            const SlotMemory* memory = nullptr);
  [[nodiscard]] const ov::Tensor& at(const std::string& name) const { return tensors_.at(name); }
  [[nodiscard]] std::uint64_t bytes() const;
  /// The same memory at a smaller batch: the first part of each tensor. Must not outlive this one.
  [[nodiscard]] TensorSet part(const model::Manifest& manifest, std::uint32_t batch) const;
  /// A request of one stage with its inputs and outputs set to these tensors.
  [[nodiscard]] ov::InferRequest request(ov::CompiledModel& compiled, const model::Stage& stage) const;

 private:
  TensorSet() = default;
  void lay(const std::vector<model::Tensor>& tensors, const std::vector<std::span<std::byte>>& memory,
           std::uint32_t batch);

  std::map<std::string, ov::Tensor> tensors_;
};

/// The compiled stages of each stream of a context at one batch size.
using StreamStages = std::vector<std::shared_ptr<CompiledStages>>;

class OpenvinoSlot : public CopyingSlot {
 public:
  /// `forms`: for each of the batch sizes.
  OpenvinoSlot(std::shared_ptr<const OpenvinoModel> model, std::uint32_t context,
               const std::vector<std::uint32_t>& batches, const std::vector<StreamStages>& forms,
               const SlotMemory* memory);

  [[nodiscard]] std::uint32_t context() const override { return context_; }
  [[nodiscard]] std::span<std::byte> input(std::size_t i) override { return inputs_.at(i); }
  [[nodiscard]] std::span<const std::byte> output(std::size_t i) const override { return outputs_.at(i); }
  [[nodiscard]] std::uint64_t memory_bytes() const override { return tensors_.bytes(); }

  /// Runs a stage at the batch size of `form` on the calling thread, the worker of `stream`. Null, or what
  /// went wrong, valid until the next call.
  [[nodiscard]] const char* infer(std::uint32_t stage, std::uint32_t stream, std::uint32_t form) noexcept;

 private:
  std::shared_ptr<const OpenvinoModel> model_;
  using StageRequests = std::vector<ov::InferRequest>;

  [[nodiscard]] std::vector<StageRequests> prepare(const StreamStages& copies,
                                                   const TensorSet& tensors) const;

  std::uint32_t context_;
  TensorSet tensors_;                                 // at the largest batch
  std::vector<std::vector<StageRequests>> requests_;  // by form, then stream, then stage
  std::vector<std::span<std::byte>> inputs_;
  std::vector<std::span<std::byte>> outputs_;
  std::array<char, 512> error_{};  // fixed: a failing stage must not allocate in the worker
};

}  // namespace daris::engine::openvino
