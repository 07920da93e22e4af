#include "engine/torch/slot.hpp"

#include <ATen/Context.h>
#include <ATen/ops/empty.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>

#include <algorithm>
#include <cstring>

#include "engine/job_memory.hpp"
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

/// The stage after this one is tried on what this one computes, not on what the pool happens to hold.
void run_first(const StageLaunch& launch, const GpuStream& stream) {
  check(driver().graph_upload(launch.graph, stream.get()), "a graph's upload");
  check(driver().graph_launch(launch.graph, stream.get()), "a graph's first launch");
  check(::cudaStreamSynchronize(stream.get()), "a graph's first run");
}

void copy_up(void* to, std::span<const std::byte> from, cudaStream_t stream) {
  check(::cudaMemcpyAsync(to, from.data(), from.size(), cudaMemcpyHostToDevice, stream),
        "copying the samples");
}

CUdeviceptr address_of(const at::Tensor& tensor) {
  return reinterpret_cast<CUdeviceptr>(tensor.data_ptr());
}

}  // namespace

TorchSlot::TorchSlot(std::shared_ptr<const TorchModel> model, const std::vector<std::uint32_t>& batches,
                     const SlotPlace& place)
    : model_(std::move(model)),
      batches_(batches),
      place_(place),
      stream_(place.partition.green),
      pool_(place.memories.gpu, place.memories.device) {
  const c10::cuda::CUDAGuard device(static_cast<c10::DeviceIndex>(place_.memories.device));
  for (const std::uint32_t batch : batches_) (void)model_->stages(batch);
  // torch's settings are the process's; what is captured keeps those of now.
  at::globalContext().setAllowTF32CuDNN(model_->build().tf32);
  at::globalContext().setAllowTF32CuBLAS(model_->build().tf32);
  const std::uint64_t before = place_.memories.gpu->left();
  make_buffers();
  make_tables();
  launches_.resize(batches_.size() * stages());
  // The largest first: what the others need fits into what it leaves.
  for (std::size_t form = batches_.size(); form-- > 0;) capture_form(static_cast<std::uint32_t>(form));
  const std::uint64_t after = place_.memories.gpu->left();
  memory_bytes_ = before > after ? before - after : 0;
  for (const auto* list : {&inputs_, &outputs_}) {
    for (const PinnedMemory& memory : *list) memory_bytes_ += memory.bytes().size();
  }
}

TorchSlot::~TorchSlot() {
  try {
    const c10::cuda::CUDAGuard device(static_cast<c10::DeviceIndex>(place_.memories.device));
    graphs_.clear();
    capture_ = {};
    input_tensors_.clear();
    resident_.clear();
    pool_.release();
  } catch (const std::exception&) {
    // The process is about to end over a lost context.
  }
}

// ---- Buffers ----

void TorchSlot::make_buffers() {
  const model::Manifest& manifest = model_->manifest();
  const std::uint32_t most = batches_.back();
  std::uint64_t needed = 0;
  for (const auto* list : {&manifest.inputs, &manifest.outputs, &manifest.tensors}) {
    for (const model::Tensor& tensor : *list) needed += tensor.element_bytes() * most;
  }
  const std::string what = "a slot at batch " + std::to_string(most);
  if (const auto lack = lack_of_memory(what, needed, place_.memories.gpu->left()))
    throw EngineError("OutOfMemory", *lack);
  lay_buffers();
  for (const model::Tensor& tensor : manifest.inputs) {
    const auto options = at::TensorOptions(scalar_type(tensor.datatype))
                             .device(at::kCUDA, static_cast<c10::DeviceIndex>(place_.memories.device));
    input_tensors_.push_back(at::empty(batched_shape(tensor, most), options));
    if (joins() && !place_.copies) resident_.push_back(at::empty(batched_shape(tensor, most), options));
  }
  fill_inputs();
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
    inputs_.emplace_back(place_.memories.host, tensor.element_bytes() * batches_.back());
  for (const model::Tensor& tensor : manifest.outputs)
    outputs_.emplace_back(place_.memories.host, tensor.element_bytes() * batches_.back());
}

/// With the package's samples, also where jobs do not copy: their inputs are the samples then.
void TorchSlot::fill_inputs() {
  const auto& wanted = model_->manifest().inputs;
  for (std::size_t k = 0; k < wanted.size(); ++k) {
    const auto sample = model_->samples().find(wanted[k].name);
    const auto bytes = inputs_[k].bytes();
    for (std::size_t i = 0; sample != model_->samples().end() && i < batches_.back(); ++i)
      std::ranges::copy(sample->second, bytes.subspan(i * sample->second.size()).begin());
    for (const auto* tensors : {&input_tensors_, &resident_})
      if (!tensors->empty()) copy_up((*tensors)[k].data_ptr(), bytes, stream_.get());
  }
  check(::cudaStreamSynchronize(stream_.get()), "copying the samples");
}

void TorchSlot::make_tables() {
  const model::Manifest& manifest = model_->manifest();
  const auto& host = place_.memories.host;
  const auto row_bytes = [](const model::Tensor& tensor) { return tensor.element_bytes(); };
  for (std::size_t i = 0; i < manifest.inputs.size() && (place_.copies || joins()); ++i) {
    const auto own = place_.copies ? inputs_[i].device() : address_of(resident_[i]);
    input_rows_.emplace_back(host, own, batches_.back(), row_bytes(manifest.inputs[i]));
  }
  for (std::size_t i = 0; i < manifest.outputs.size() && place_.copies; ++i)
    output_rows_.emplace_back(host, outputs_[i].device(), batches_.back(), row_bytes(manifest.outputs[i]));
}

// ---- Places ----

void TorchSlot::seat(std::uint32_t place, JobMemory& job, bool outputs) {
  if (!place_.copies) return;
  const auto* ours = dynamic_cast<const TorchJobMemory*>(&job);
  // Memory that was made while another engine had the GPU is none that the GPU reaches: its job goes by the
  // slot's own.
  if (ours == nullptr) return copy_inputs(*this, inputs_.size(), place, job);
  for (std::size_t i = 0; i < input_rows_.size(); ++i) set(input_rows_[i], place, ours->inputs()[i], true);
  for (std::size_t i = 0; i < output_rows_.size(); ++i)
    set(output_rows_[i], place, ours->outputs()[i], outputs);
}

void TorchSlot::set(RowTable& table, std::uint32_t place, const PinnedMemory& memory, bool wanted) {
  const auto rows = static_cast<std::uint32_t>(memory.bytes().size() / table.row_bytes());
  table.set(place * rows, rows, wanted ? memory.device() : 0);
}

void TorchSlot::collect(std::uint32_t place, JobMemory& job) {
  const bool done = dynamic_cast<const TorchJobMemory*>(&job) != nullptr;  // by the last stage
  if (place_.copies && !done) copy_outputs(*this, outputs_.size(), place, job);
}

void TorchSlot::vacate() {
  if (!place_.copies) return;
  for (auto* tables : {&input_rows_, &output_rows_})
    for (RowTable& table : *tables) table.reset();
}

// ---- Capturing ----

void TorchSlot::capture_form(std::uint32_t form) {
  const model::Manifest& manifest = model_->manifest();
  capture_ = {.batch = batches_[form], .tensors = {}};
  for (std::size_t i = 0; i < manifest.inputs.size(); ++i)
    capture_.tensors[manifest.inputs[i].name] = input_tensors_[i].narrow(0, 0, capture_.batch);
  for (std::size_t i = 0; i < stages(); ++i) {
    CapturedStage stage = capture(i);
    keep_outputs(i, stage.outputs);
    StageLaunch& launch = launches_[form * stages() + i];
    launch = {reinterpret_cast<CUgraphExec>(stage.graph->raw_cuda_graph_exec()), stage.wide};
    graphs_.push_back(std::move(stage.graph));
    const GpuStream& stream = launch.wide ? *wide_stream_ : stream_;
    place_.pace->piece([&] { run_first(launch, stream); });
  }
  capture_ = {};
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
                                 if (index == 0) gather(on);
                               },
                           .after =
                               [&](cudaStream_t on, const Tensors& outputs) {
                                 check_outputs(model_->manifest(), model_->build().layout, index,
                                               capture_.batch, outputs);
                                 scatter(index, on, outputs);
                               }};
  return capture_stage(
      *model_->stages(capture_.batch)[index], inputs_of(model_->manifest().stages[index]), copies,
      {.stream = &stream, .pool = pool_.id(), .device = place_.memories.device, .pace = place_.pace});
}

Tensors TorchSlot::inputs_of(const model::Stage& stage) const {
  Tensors inputs;
  for (const std::string& name : stage.inputs) inputs.push_back(capture_.tensors.at(name));
  return inputs;
}

void TorchSlot::keep_outputs(std::size_t index, const Tensors& outputs) {
  const model::Stage& stage = model_->manifest().stages[index];
  for (std::size_t i = 0; i < stage.outputs.size(); ++i) capture_.tensors[stage.outputs[i]] = outputs[i];
}

void TorchSlot::gather(cudaStream_t stream) const {
  for (std::size_t i = 0; i < input_rows_.size(); ++i)
    place_.memories.rows->gather(
        input_rows_[i].copy(address_of(input_tensors_[i]), capture_.batch, !place_.copies), stream);
}

void TorchSlot::scatter(std::size_t index, cudaStream_t stream, const Tensors& outputs) const {
  const model::Manifest& manifest = model_->manifest();
  const auto& written = manifest.stages[index].outputs;
  for (std::size_t i = 0; i < output_rows_.size(); ++i) {
    const auto found = std::ranges::find(written, manifest.outputs[i].name);
    if (found == written.end()) continue;
    const at::Tensor& tensor = outputs[static_cast<std::size_t>(found - written.begin())];
    place_.memories.rows->scatter(output_rows_[i].copy(address_of(tensor), capture_.batch, false), stream);
  }
}

std::string TorchSlot::name_of(std::size_t index) const {
  return "stage '" + model_->manifest().stages[index].name + "' at batch " + std::to_string(capture_.batch);
}

}  // namespace daris::engine::torch
