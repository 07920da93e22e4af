#include "engine/openvino/loaded_model.hpp"

#include <openvino/runtime/properties.hpp>

#include "engine/openvino/artifact.hpp"
#include "engine/openvino/slot.hpp"
#include "engine/refusals.hpp"

namespace daris::engine::openvino {
namespace {

// One thread, the caller's own, and full precision (OpenVINO's defaults are all cores and bf16). No stream,
// since with one OpenVINO 2026.4.1 drops what a stage throws in the calling thread: the job would go on with
// stale outputs.
ov::AnyMap compile_properties() {
  return {ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY),
          ov::hint::inference_precision(ov::element::f32), ov::inference_num_threads(1), ov::num_streams(0),
          ov::hint::enable_cpu_pinning(false)};
}

}  // namespace

OpenvinoModel::OpenvinoModel(ov::Core& core, const model::Package& package, const std::stop_token& stop)
    : core_(core),
      manifest_(package.manifest()),
      digest_(package.digest()),
      batches_(package.manifest().batches(kEngine)) {
  if (batches_.empty()) refuse_engine(kEngine);
  for (const model::Sample& sample : manifest_.samples) samples_[sample.input] = package.read(sample.file);
  for (const std::uint32_t batch : batches_) read_batch(package, batch, stop);
}

void OpenvinoModel::read_batch(const model::Package& package, std::uint32_t size,
                               const std::stop_token& stop) {
  Batch batch;
  for (const model::Stage& stage : manifest_.stages) {
    check_not_stopped(stop);
    const model::Artifact& artifact = *manifest_.artifact(kEngine, stage.name, size);
    batch.stages.push_back(read_artifact(core_, manifest_, artifact, package.read(artifact.file)));
    batch.bytes += artifact.file.bytes;
  }
  check_not_stopped(stop);
  batch.copies[kMeasuringCopy] = compile(batch, size);
  by_size_.emplace(size, std::move(batch));
}

std::shared_ptr<CompiledStages> OpenvinoModel::compile(const Batch& batch, std::uint32_t size) const {
  auto stages = std::make_shared<CompiledStages>();
  const TensorSet tensors(manifest_, samples_, size);
  for (std::size_t i = 0; i < batch.stages.size(); ++i) {
    const model::Artifact& artifact = *manifest_.artifact(kEngine, manifest_.stages[i].name, size);
    try {
      stages->push_back(core_.compile_model(batch.stages[i], "CPU", compile_properties()));
    } catch (const std::exception& error) {
      refuse_artifact(artifact, "cannot be compiled", error);
    }
    check_fixed_shapes(artifact, stages->back());
    try {
      // A graph's first inference allocates and takes up to three times as long; no job shall pay for that.
      tensors.request(stages->back(), manifest_.stages[i]).infer();
    } catch (const std::exception&) {
      // A model without samples need not stand zeros (as a divisor, for one): its jobs will tell.
    }
  }
  return stages;
}

std::shared_ptr<CompiledStages> OpenvinoModel::compiled(std::uint32_t size, std::uint32_t copy) const {
  const std::lock_guard lock(mutex_);
  const auto batch = by_size_.find(size);
  if (batch == by_size_.end()) refuse_batch(size, batches_);
  auto& stages = batch->second.copies[copy];
  if (!stages) stages = compile(batch->second, size);
  return stages;
}

std::uint64_t OpenvinoModel::memory_bytes() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t bytes = 0;
  for (const auto& [size, batch] : by_size_) bytes += batch.bytes * (1 + batch.copies.size());
  return bytes;
}

}  // namespace daris::engine::openvino
