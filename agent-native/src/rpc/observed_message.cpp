#include "rpc/observed_message.hpp"

#include <set>

namespace daris::rpc {

namespace {

namespace wire = ::daris::runtime::v1;

wire::ModelPhase phaseOf(runtime::ModelPhase phase) {
  switch (phase) {
    case runtime::ModelPhase::Loading:
      return wire::MODEL_PHASE_LOADING;
    case runtime::ModelPhase::Ready:
      return wire::MODEL_PHASE_READY;
    case runtime::ModelPhase::Failed:
      return wire::MODEL_PHASE_FAILED;
  }
  return wire::MODEL_PHASE_UNSPECIFIED;
}

wire::TaskPhase phaseOf(runtime::TaskPhase phase) {
  switch (phase) {
    case runtime::TaskPhase::Loading:
      return wire::TASK_PHASE_LOADING;
    case runtime::TaskPhase::Serving:
      return wire::TASK_PHASE_SERVING;
    case runtime::TaskPhase::Refused:
      return wire::TASK_PHASE_REFUSED;
  }
  return wire::TASK_PHASE_UNSPECIFIED;
}

wire::MissCause causeOf(sched::MissCause cause) {
  switch (cause) {
    case sched::MissCause::Loading:
      return wire::MISS_CAUSE_LOADING;
    case sched::MissCause::Overrun:
      return wire::MISS_CAUSE_OVERRUN;
    case sched::MissCause::Blocked:
      return wire::MISS_CAUSE_BLOCKED;
    case sched::MissCause::Queued:
      return wire::MISS_CAUSE_QUEUED;
    case sched::MissCause::None:
      break;
  }
  return wire::MISS_CAUSE_UNSPECIFIED;
}

void fill(wire::Tensor& message, const model::Tensor& tensor) {
  message.set_name(tensor.name);
  message.set_datatype(std::string(model::to_word(tensor.datatype)));
  for (const std::int64_t size : tensor.shape) message.add_shape(size);
}

void fillManifest(wire::ObservedModel& message, const model::Manifest& manifest) {
  message.set_name(manifest.name);
  for (const model::Tensor& input : manifest.inputs) fill(*message.add_inputs(), input);
  for (const model::Tensor& output : manifest.outputs) fill(*message.add_outputs(), output);
  for (const model::Stage& stage : manifest.stages) message.add_stages(stage.name);
  std::set<std::string> engines;
  for (const model::Artifact& artifact : manifest.artifacts) engines.insert(artifact.engine);
  for (const std::string& engine : engines) message.add_engines(engine);
}

void fill(wire::ObservedModel& message, const runtime::ObservedModel& model) {
  message.set_digest(model.digest);
  message.set_uri(model.uri);
  message.set_phase(phaseOf(model.phase));
  message.set_reason(model.reason);
  message.set_message(model.message);
  message.set_memory_bytes(model.memoryBytes);
  message.set_measured(model.measured);
  message.set_stages_measured(model.stagesMeasured);
  message.set_stages_to_measure(model.stagesToMeasure);
  if (model.manifest) fillManifest(message, *model.manifest);
  for (const runtime::BatchTiming& timing : model.batches) {
    wire::BatchTiming& batch = *message.add_batches();
    batch.set_size(timing.size);
    for (const DurationUs stageUs : timing.stageAfetUs) batch.add_stage_afet_us(stageUs);
    for (const DurationUs stageUs : timing.stageMretUs) batch.add_stage_mret_us(stageUs);
  }
}

void fill(wire::JobCounters& message, const runtime::JobCounters& jobs) {
  message.set_released(jobs.released);
  message.set_skipped(jobs.skipped);
  message.set_rejected(jobs.rejected);
  message.set_rejected_by_utilization(jobs.rejectedByUtilization);
  message.set_rejected_by_prediction(jobs.rejectedByPrediction);
  message.set_early(jobs.early);
  message.set_superseded(jobs.superseded);
  message.set_withdrawn(jobs.withdrawn);
  message.set_admitted(jobs.admitted);
  message.set_completed(jobs.completed);
  message.set_missed(jobs.missed);
  message.set_dropped(jobs.dropped);
  message.set_failed(jobs.failed);
  message.set_on_time(jobs.onTime);
}

void fillStatistics(wire::ObservedTask& message, const runtime::TaskStatistics& statistics) {
  fill(*message.mutable_jobs(), statistics.jobs());
  const runtime::MigrationRecord& moves = statistics.migrations();
  wire::Migrations& migrations = *message.mutable_migrations();
  migrations.set_count(moves.count);
  migrations.set_last_from(moves.from);
  migrations.set_last_to(moves.to);
  migrations.set_last_time_us(moves.wallUs);
  for (std::size_t i = 0; i < statistics.missCount(); ++i) {
    const runtime::Miss& miss = statistics.miss(i);
    wire::Miss& told = *message.add_last_misses();
    told.set_time_us(miss.wallUs);
    told.set_late_us(miss.lateUs);
    told.set_cause(causeOf(miss.cause));
    if (miss.behind) told.set_behind(*miss.behind);
  }
  const runtime::Histogram& response = statistics.response();
  message.set_response_p50_us(response.quantile(0.5));
  message.set_response_p99_us(response.quantile(0.99));
  wire::Histogram& histogram = *message.mutable_response();
  for (const DurationUs bound : runtime::Histogram::bounds()) histogram.add_bounds_us(bound);
  for (const std::uint64_t count : response.counts()) histogram.add_counts(count);
  histogram.set_sum_us(response.sumUs());
  message.set_execution_us(statistics.executionUs());
  message.set_started_jobs(statistics.startedJobs());
  message.set_unit_jobs(statistics.unitJobs());
}

void fill(wire::ObservedTask& message, const runtime::ObservedTask& task) {
  message.set_uid(task.uid);
  message.set_epoch(task.epoch);
  message.set_phase(phaseOf(task.phase));
  message.set_reason(task.reason);
  message.set_message(task.message);
  message.set_context(task.context);
  message.set_afet_us(task.afetUs);
  message.set_mret_us(task.mretUs);
  message.set_utilization_e9(task.utilizationE9);
  message.set_capacity(task.capacity);
  fillStatistics(message, task.statistics);
}

void fill(wire::ObservedContext& message, const runtime::ObservedContext& context) {
  message.set_index(context.index);
  message.set_sms(context.sms);
  message.set_streams(context.streams);
  message.set_high_utilization_e9(context.highUtilizationE9);
  message.set_low_utilization_e9(context.lowUtilizationE9);
  message.set_active_utilization_e9(context.activeUtilizationE9);
  message.set_busy_us(context.busyUs);
  message.set_wanted_sms(context.wantedSms);
}

wire::GpuReading messageOf(const device::Reading& reading) {
  wire::GpuReading message;
  if (reading.memoryUsedBytes) message.set_memory_used_bytes(*reading.memoryUsedBytes);
  if (reading.memoryTotalBytes) message.set_memory_total_bytes(*reading.memoryTotalBytes);
  if (reading.smClockMhz) message.set_sm_clock_mhz(*reading.smClockMhz);
  if (reading.memoryClockMhz) message.set_memory_clock_mhz(*reading.memoryClockMhz);
  if (reading.powerMilliwatts) message.set_power_milliwatts(*reading.powerMilliwatts);
  if (reading.temperatureCelsius) message.set_temperature_celsius(*reading.temperatureCelsius);
  for (const std::string& word : reading.throttling) message.add_throttling(word);
  if (reading.eccUncorrectable) message.set_ecc_uncorrectable(*reading.eccUncorrectable);
  return message;
}

void fill(wire::ObservedGpu& message, const device::Report& report) {
  *message.mutable_reading() = messageOf(report.reading);
  message.set_xids(report.xids);
  if (report.foreign.any()) {
    wire::ForeignSharing& sharing = *message.mutable_foreign_sharing();
    sharing.set_message(report.sharing);
    sharing.set_processes(static_cast<std::uint32_t>(report.foreign.processes.size()));
    sharing.set_hidden_bytes(report.foreign.hiddenBytes);
  }
  if (report.fault) {
    message.mutable_fault()->set_reason(report.fault->reason);
    message.mutable_fault()->set_message(report.fault->message);
  }
  if (!report.lastXid) return;
  message.mutable_last_xid()->set_code(report.lastXid->code);
  message.mutable_last_xid()->set_time_us(report.lastXid->wallUs);
}

}  // namespace

wire::ObservedState messageOf(const runtime::ObservedState& state, const std::string& instanceId) {
  wire::ObservedState message;
  message.set_instance_id(instanceId);
  message.set_applied_generation(state.appliedGeneration);
  message.set_time_us(state.wallUs);
  wire::ObservedGpu& gpu = *message.add_gpus();
  gpu.set_uuid(state.gpuUuid);
  gpu.set_partition_fault(state.partitionFault);
  if (state.gpu) fill(gpu, *state.gpu);
  for (const runtime::ObservedContext& context : state.contexts) fill(*gpu.add_contexts(), context);
  for (const runtime::ObservedModel& model : state.models) fill(*message.add_models(), model);
  for (const runtime::ObservedTask& task : state.tasks) fill(*message.add_tasks(), task);
  return message;
}

}  // namespace daris::rpc
