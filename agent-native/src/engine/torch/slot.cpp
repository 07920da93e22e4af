#include "engine/torch/slot.hpp"

#include <ATen/Context.h>
#include <ATen/ops/empty.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>

#include <algorithm>
#include <cstring>

#include "engine/torch/cuda_errors.hpp"
#include "engine/torch/device_memory.hpp"
#include "engine/torch/driver.hpp"
#include "engine/torch/tensor_check.hpp"

namespace daris::engine::torch {
namespace {

/// The context is lost: nothing more can be tried, and nothing be had from this process.
void stop_if_lost(cudaStream_t stream) {
  const cudaError_t state = ::cudaStreamSynchronize(stream);
  (void)::cudaGetLastError();
  if (is_sticky(static_cast<int>(state))) check(state, "the GPU");
}

// A copy engine does one copy after another, whatever their streams' priorities: no job waits for more of
// another's than this. About 10 us on PCI Express 5; an image of 224 x 224 x 3 halves is one piece.
constexpr std::size_t kCopyPiece = std::size_t{512} << 10;

/// The stage after this one is tried on what this one computes, not on what the pool happens to hold.
void run_first(const StageLaunch& launch, const GpuStream& stream) {
  check(driver().graph_upload(launch.graph, stream.get()), "a graph's upload");
  check(driver().graph_launch(launch.graph, stream.get()), "a graph's first launch");
  check(::cudaStreamSynchronize(stream.get()), "a graph's first run");
}

void copy_in_pieces(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  for (std::size_t at = 0; at < bytes; at += kCopyPiece) {
    check(::cudaMemcpyAsync(static_cast<std::byte*>(to) + at, static_cast<const std::byte*>(from) + at,
                            std::min(kCopyPiece, bytes - at), kind, stream),
          "copying an input or output");
  }
}

}  // namespace

TorchSlot::TorchSlot(std::shared_ptr<const TorchModel> model, std::uint32_t batch, const SlotPlace& place)
    : model_(std::move(model)),
      batch_(batch),
      place_(place),
      stream_(place.partition.green),
      pool_(place.memories.gpu, place.memories.device) {
  const c10::cuda::CUDAGuard device(static_cast<c10::DeviceIndex>(place_.memories.device));
  // torch's settings are the process's; what is captured keeps those of now.
  at::globalContext().setAllowTF32CuDNN(model_->build().tf32);
  at::globalContext().setAllowTF32CuBLAS(model_->build().tf32);
  const std::uint64_t before = place_.memories.gpu->left();
  make_buffers();
  capture_all();
  const std::uint64_t after = place_.memories.gpu->left();
  memory_bytes_ = before > after ? before - after : 0;
  for (const auto* list : {&inputs_, &outputs_}) {
    for (const PinnedMemory& memory : *list) memory_bytes_ += memory.bytes().size();
  }
}

TorchSlot::~TorchSlot() {
  try {
    const c10::cuda::CUDAGuard device(static_cast<c10::DeviceIndex>(place_.memories.device));
    stages_.clear();
    tensors_.clear();
    pool_.release();
  } catch (const std::exception&) {
    // The process is about to end over a lost context.
  }
}

void TorchSlot::make_buffers() {
  const model::Manifest& manifest = model_->manifest();
  std::uint64_t needed = 0;
  for (const auto* list : {&manifest.inputs, &manifest.outputs, &manifest.tensors}) {
    for (const model::Tensor& tensor : *list) needed += tensor.element_bytes() * batch_;
  }
  const std::string what = "a slot at batch " + std::to_string(batch_);
  if (const auto lack = lack_of_memory(what, needed, place_.memories.gpu->left()))
    throw EngineError("OutOfMemory", *lack);
  lay_buffers();
  for (std::size_t k = 0; k < manifest.inputs.size(); ++k) {
    const model::Tensor& tensor = manifest.inputs[k];
    const auto sample = model_->samples().find(tensor.name);
    for (std::size_t i = 0; sample != model_->samples().end() && i < batch_; ++i) {
      std::ranges::copy(sample->second, inputs_[k].bytes().subspan(i * sample->second.size()).begin());
    }
    const auto options = at::TensorOptions(scalar_type(tensor.datatype))
                             .device(at::kCUDA, static_cast<c10::DeviceIndex>(place_.memories.device));
    tensors_[tensor.name] = at::empty(batched_shape(tensor, batch_), options);
  }
  copy_in(stream_.get());  // also where jobs do not copy: their inputs are the samples then
  check(::cudaStreamSynchronize(stream_.get()), "copying the samples");
}

void TorchSlot::lay_buffers() {
  if (place_.memory != nullptr) {
    for (const auto& buffer : place_.memory->inputs) inputs_.emplace_back(buffer);
    for (const auto& buffer : place_.memory->outputs) outputs_.emplace_back(buffer);
    place_.memory = nullptr;
    return;
  }
  const model::Manifest& manifest = model_->manifest();
  for (const model::Tensor& tensor : manifest.inputs)
    inputs_.emplace_back(place_.memories.host, tensor.element_bytes() * batch_);
  for (const model::Tensor& tensor : manifest.outputs)
    outputs_.emplace_back(place_.memories.host, tensor.element_bytes() * batch_);
}

void TorchSlot::capture_all() {
  for (std::size_t i = 0; i < model_->manifest().stages.size(); ++i) {
    stages_.push_back(capture(i));
    keep_outputs(i);
    launches_.push_back(
        {reinterpret_cast<CUgraphExec>(stages_.back().graph->raw_cuda_graph_exec()), stages_.back().wide});
    const GpuStream& stream = stages_.back().wide ? *wide_stream_ : stream_;
    place_.pace->piece([&] { run_first(launches_.back(), stream); });
  }
}

CapturedStage TorchSlot::capture(std::size_t index) {
  std::string why;
  try {
    return capture_at(index, stream_);
  } catch (const EngineError&) {
    throw;  // not a matter of where it runs
  } catch (const c10::OutOfMemoryError& error) {
    throw EngineError("OutOfMemory", name_of(index) + ": " + first_line(error.what()));
  } catch (const std::exception& error) {
    why = first_line(error.what());
  }
  stop_if_lost(stream_.get());
  if (!place_.partition.green) throw EngineError("StageFailed", name_of(index) + ": " + why);
  try {
    if (!wide_stream_) wide_stream_ = std::make_unique<GpuStream>(nullptr);
    CapturedStage stage = capture_at(index, *wide_stream_);
    stage.wide = true;
    remarks_.push_back(name_of(index) + " runs on the whole GPU: on the " +
                       std::to_string(place_.partition.sms) + " SMs of context " +
                       std::to_string(place_.context) + " it fails with " + why);
    return stage;
  } catch (const std::exception& error) {
    stop_if_lost(wide_stream_->get());
    throw EngineError("StageFailed", name_of(index) + ": " + first_line(error.what()));
  }
}

CapturedStage TorchSlot::capture_at(std::size_t index, const GpuStream& stream) {
  const StageCopies copies{.before =
                               [&](cudaStream_t on) {
                                 if (place_.copies && index == 0) copy_in(on);
                               },
                           .after =
                               [&](cudaStream_t on, const Tensors& outputs) {
                                 check_outputs(model_->manifest(), model_->build().layout, index, batch_,
                                               outputs);
                                 if (place_.copies) copy_out(index, on, outputs);
                               }};
  return capture_stage(
      *model_->stages(batch_)[index], inputs_of(model_->manifest().stages[index]), copies,
      {.stream = &stream, .pool = pool_.id(), .device = place_.memories.device, .pace = place_.pace});
}

Tensors TorchSlot::inputs_of(const model::Stage& stage) const {
  Tensors inputs;
  for (const std::string& name : stage.inputs) inputs.push_back(tensors_.at(name));
  return inputs;
}

void TorchSlot::keep_outputs(std::size_t index) {
  const model::Stage& stage = model_->manifest().stages[index];
  for (std::size_t i = 0; i < stage.outputs.size(); ++i)
    tensors_[stage.outputs[i]] = stages_[index].outputs[i];
}

void TorchSlot::copy_in(cudaStream_t stream) const {
  const auto& wanted = model_->manifest().inputs;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto from = inputs_[i].bytes();
    copy_in_pieces(tensors_.at(wanted[i].name).data_ptr(), from.data(), from.size(), cudaMemcpyHostToDevice,
                   stream);
  }
}

void TorchSlot::copy_out(std::size_t index, cudaStream_t stream, const Tensors& outputs) const {
  const model::Manifest& manifest = model_->manifest();
  const auto& written = manifest.stages[index].outputs;
  for (std::size_t i = 0; i < manifest.outputs.size(); ++i) {
    const auto found = std::ranges::find(written, manifest.outputs[i].name);
    if (found == written.end()) continue;
    const at::Tensor& tensor = outputs[static_cast<std::size_t>(found - written.begin())];
    const auto to = outputs_[i].bytes();
    copy_in_pieces(to.data(), tensor.data_ptr(), to.size(), cudaMemcpyDeviceToHost, stream);
  }
}

std::string TorchSlot::name_of(std::size_t index) const {
  return "stage '" + model_->manifest().stages[index].name + "' at batch " + std::to_string(batch_);
}

}  // namespace daris::engine::torch
