#include "rpc/desired_message.hpp"

#include "runtime/error.hpp"

namespace daris::rpc {

namespace {

namespace wire = ::daris::runtime::v1;

[[noreturn]] void unset(const std::string& field, const char* wanted) {
  throw runtime::InvalidArgument(field + " is not set, expected " + wanted);
}

engine::PartitionMode modeOf(wire::PartitionMode mode) {
  switch (mode) {
    case wire::PARTITION_MODE_STREAMS:
      return engine::PartitionMode::Streams;
    case wire::PARTITION_MODE_MPS:
      return engine::PartitionMode::Mps;
    case wire::PARTITION_MODE_MPS_STREAMS:
      return engine::PartitionMode::MpsStreams;
    default:
      return engine::PartitionMode::GreenContexts;
  }
}

runtime::Policy policyOf(const wire::Policy& message) {
  if (message.admission() != wire::ADMISSION_UTILIZATION &&
      message.admission() != wire::ADMISSION_PREDICTED) {
    unset("policy.admission", "ADMISSION_UTILIZATION or ADMISSION_PREDICTED");
  }
  runtime::Policy policy;
  policy.partition = {message.contexts(), message.streams_per_context(), message.oversubscription(),
                      modeOf(message.mode())};
  policy.scheduling.mretWindow = message.mret_window();
  policy.scheduling.mretAging = message.mret_aging();
  policy.scheduling.admission = message.admission() == wire::ADMISSION_PREDICTED
                                    ? sched::Admission::Predicted
                                    : sched::Admission::Utilization;
  policy.scheduling.highPriorityAdmission = message.high_priority_admission();
  policy.scheduling.joining = message.joining();
  policy.highPriorityUtilizationLimit = message.high_priority_utilization_limit();
  policy.name = message.name();
  policy.compiledCodeNamespaces = {message.compiled_code_namespaces().begin(),
                                   message.compiled_code_namespaces().end()};
  return policy;
}

runtime::JobCounters countersOf(const wire::JobCounters& message) {
  runtime::JobCounters jobs;
  jobs.released = message.released();
  jobs.skipped = message.skipped();
  jobs.rejected = message.rejected();
  jobs.rejectedByUtilization = message.rejected_by_utilization();
  jobs.rejectedByPrediction = message.rejected_by_prediction();
  jobs.early = message.early();
  jobs.superseded = message.superseded();
  jobs.withdrawn = message.withdrawn();
  jobs.admitted = message.admitted();
  jobs.completed = message.completed();
  jobs.missed = message.missed();
  jobs.dropped = message.dropped();
  jobs.failed = message.failed();
  jobs.onTime = message.on_time();
  return jobs;
}

void takeModes(const wire::DesiredTask& message, runtime::DesiredTask& task) {
  const std::string where = "task " + message.namespace_() + "/" + message.name() + ": ";
  if (message.priority() != wire::PRIORITY_HIGH && message.priority() != wire::PRIORITY_LOW) {
    unset(where + "priority", "PRIORITY_HIGH or PRIORITY_LOW");
  }
  if (message.release() != wire::RELEASE_PERIODIC && message.release() != wire::RELEASE_ON_REQUEST) {
    unset(where + "release", "RELEASE_PERIODIC or RELEASE_ON_REQUEST");
  }
  if (message.late_jobs() != wire::LATE_JOBS_FINISH && message.late_jobs() != wire::LATE_JOBS_DROP) {
    unset(where + "late_jobs", "LATE_JOBS_FINISH or LATE_JOBS_DROP");
  }
  task.priority = message.priority() == wire::PRIORITY_HIGH ? sched::Priority::High : sched::Priority::Low;
  task.release = message.release() == wire::RELEASE_PERIODIC ? sched::ReleaseMode::Periodic
                                                             : sched::ReleaseMode::OnRequest;
  task.lateJobs =
      message.late_jobs() == wire::LATE_JOBS_DROP ? sched::LateJobs::Drop : sched::LateJobs::Finish;
}

runtime::DesiredTask taskOf(const wire::DesiredTask& message) {
  runtime::DesiredTask task;
  task.uid = message.uid();
  task.nameSpace = message.namespace_();
  task.name = message.name();
  task.epoch = message.epoch();
  task.modelDigest = message.model_digest();
  task.gpuUuid = message.gpu_uuid();
  task.context = message.context();
  task.periodUs = message.period_us();
  task.deadlineUs = message.deadline_us();
  task.releaseJitterUs = message.release_jitter_us();
  task.offsetUs = message.offset_us();
  task.batchSize = message.batch_size();
  task.carried = countersOf(message.carried());
  task.carriedMigrations = message.carried_migrations();
  task.stageAfetUs.assign(message.stage_afet_us().begin(), message.stage_afet_us().end());
  takeModes(message, task);
  return task;
}

runtime::DesiredModel modelOf(const wire::DesiredModel& message) {
  runtime::DesiredModel model{message.digest(), message.uri(), message.measure()};
  model.namespaces = {message.namespaces().begin(), message.namespaces().end()};
  for (const wire::BatchTiming& each : message.batches())
    model.batches.push_back({each.size(), {each.stage_afet_us().begin(), each.stage_afet_us().end()}});
  return model;
}

}  // namespace

runtime::DesiredState desiredOf(const wire::DesiredState& message) {
  runtime::DesiredState desired;
  desired.generation = message.generation();
  if (!message.has_policy()) unset("policy", "a Policy");
  desired.policy = policyOf(message.policy());
  for (const wire::DesiredModel& model : message.models()) desired.models.push_back(modelOf(model));
  for (const wire::DesiredTask& task : message.tasks()) desired.tasks.push_back(taskOf(task));
  return desired;
}

}  // namespace daris::rpc
