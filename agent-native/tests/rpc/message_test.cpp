// Messages to values and back, and the one mapping of errors to statuses.
#include <gtest/gtest.h>

#include <cstring>

#include "engine/job_memory.hpp"
#include "rpc/desired_message.hpp"
#include "rpc/inference_message.hpp"
#include "rpc/observed_message.hpp"
#include "rpc/status.hpp"
#include "runtime/error.hpp"

namespace daris::rpc {
namespace {

namespace wire = ::daris::runtime::v1;
using grpc::StatusCode;
using runtime::Answer;

grpc::Status statusOfThrown(const std::function<void()>& work) {
  return guarded(work);
}

TEST(Status, EachErrorHasItsCode) {
  EXPECT_EQ(statusOfThrown([] { throw runtime::InvalidArgument("a"); }).error_code(),
            StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(statusOfThrown([] { throw runtime::NotFound("a"); }).error_code(), StatusCode::NOT_FOUND);
  EXPECT_EQ(statusOfThrown([] { throw runtime::Unavailable("a"); }).error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(statusOfThrown([] { throw runtime::Exhausted("a"); }).error_code(),
            StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(statusOfThrown([] { throw std::bad_alloc(); }).error_code(), StatusCode::INTERNAL);
  EXPECT_EQ(statusOfThrown([] { throw 7; }).error_code(), StatusCode::INTERNAL);
  EXPECT_TRUE(statusOfThrown([] {}).ok());
}

TEST(Status, EachAnswerHasItsCode) {
  const std::vector<std::pair<Answer, StatusCode>> codes{{Answer::Completed, StatusCode::OK},
                                                         {Answer::Rejected, StatusCode::RESOURCE_EXHAUSTED},
                                                         {Answer::Early, StatusCode::RESOURCE_EXHAUSTED},
                                                         {Answer::Superseded, StatusCode::ABORTED},
                                                         {Answer::Dropped, StatusCode::DEADLINE_EXCEEDED},
                                                         {Answer::Failed, StatusCode::INTERNAL},
                                                         {Answer::Ended, StatusCode::NOT_FOUND},
                                                         {Answer::Cancelled, StatusCode::DEADLINE_EXCEEDED}};
  for (const auto& [answer, code] : codes) {
    runtime::Outcome outcome;
    outcome.answer = answer;
    EXPECT_EQ(statusOf(outcome, "a.b").error_code(), code);
  }
}

wire::DesiredState sound() {
  wire::DesiredState message;
  message.set_generation(3);
  message.mutable_policy()->set_contexts(2);
  message.mutable_policy()->set_admission(wire::ADMISSION_PREDICTED);
  wire::DesiredTask& task = *message.add_tasks();
  task.set_uid("u");
  task.set_namespace_("default");
  task.set_name("a");
  task.set_priority(wire::PRIORITY_HIGH);
  task.set_release(wire::RELEASE_PERIODIC);
  task.set_late_jobs(wire::LATE_JOBS_DROP);
  task.mutable_carried()->set_missed(4);
  task.mutable_carried()->set_withdrawn(2);
  task.mutable_carried()->set_rejected(7);
  task.mutable_carried()->set_rejected_by_utilization(5);
  task.mutable_carried()->set_rejected_by_prediction(1);
  task.add_stage_afet_us(1500);
  task.add_stage_afet_us(2000);
  for (const char* digest : {"d", "e"}) message.add_models()->set_digest(digest);
  message.mutable_models(1)->set_measure(true);
  message.mutable_models(1)->add_namespaces("vision");
  message.mutable_policy()->set_name("edge");
  message.mutable_policy()->add_compiled_code_namespaces("vision");
  return message;
}

TEST(DesiredMessage, IsTakenFieldByField) {
  const runtime::DesiredState desired = desiredOf(sound());
  EXPECT_EQ(desired.generation, 3U);
  EXPECT_EQ(desired.policy.partition.contexts, 2U);
  EXPECT_EQ(desired.policy.scheduling.admission, sched::Admission::Predicted);
  ASSERT_EQ(desired.tasks.size(), 1U);
  EXPECT_EQ(desired.tasks[0].priority, sched::Priority::High);
  EXPECT_EQ(desired.tasks[0].lateJobs, sched::LateJobs::Drop);
  EXPECT_EQ(desired.tasks[0].carried.missed, 4U);
  EXPECT_EQ(desired.tasks[0].carried.withdrawn, 2U);
  EXPECT_EQ(desired.tasks[0].carried.rejected, 7U);
  EXPECT_EQ(desired.tasks[0].carried.rejectedByUtilization, 5U);
  EXPECT_EQ(desired.tasks[0].carried.rejectedByPrediction, 1U);
  EXPECT_EQ(desired.tasks[0].stageAfetUs, (std::vector<DurationUs>{1500, 2000}));
  ASSERT_EQ(desired.models.size(), 2U);
  EXPECT_FALSE(desired.models[0].measure);
  EXPECT_TRUE(desired.models[1].measure);
  EXPECT_TRUE(desired.models[0].namespaces.empty());
  EXPECT_EQ(desired.models[1].namespaces, (std::vector<std::string>{"vision"}));
  EXPECT_EQ(desired.policy.name, "edge");
  EXPECT_TRUE(desired.policy.compiledCodeNamespaces.contains("vision"));
}

TEST(DesiredMessage, WhatIsNotSetIsNamed) {
  wire::DesiredState message = sound();
  message.mutable_tasks(0)->clear_priority();
  const grpc::Status status = guarded([&] { static_cast<void>(desiredOf(message)); });
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(),
            "task default/a: priority is not set, expected PRIORITY_HIGH or PRIORITY_LOW");
  message = sound();
  message.clear_policy();
  EXPECT_EQ(guarded([&] { static_cast<void>(desiredOf(message)); }).error_message(),
            "policy is not set, expected a Policy");
}

TEST(ObservedMessage, HoldsFiguresMissesAndHistogram) {
  runtime::ObservedState state;
  state.gpuUuid = "cpu-0";
  runtime::ObservedTask task;
  task.uid = "u";
  task.phase = runtime::TaskPhase::Serving;
  sched::JobEnd end;
  end.responseUs = 5000;
  end.lateUs = 700;
  end.missed = true;
  end.cause = sched::MissCause::Blocked;
  task.statistics.withdrawn();
  sched::ReleaseOutcome refused;
  refused.rejectedBy = sched::Admission::Predicted;
  task.statistics.released(refused, 0);
  task.statistics.ended(end, false, 99, std::make_shared<const std::string>("default/b"));
  state.tasks.push_back(task);
  const wire::ObservedState message = messageOf(state, "instance");
  const wire::ObservedTask& told = message.tasks(0);
  EXPECT_EQ(told.phase(), wire::TASK_PHASE_SERVING);
  EXPECT_EQ(told.jobs().missed(), 1U);
  EXPECT_EQ(told.jobs().withdrawn(), 1U);
  EXPECT_EQ(told.jobs().rejected(), 1U);
  EXPECT_EQ(told.jobs().rejected_by_prediction(), 1U);
  EXPECT_EQ(told.jobs().rejected_by_utilization(), 0U);
  EXPECT_EQ(told.last_misses(0).behind(), "default/b");
  EXPECT_EQ(told.last_misses(0).cause(), wire::MISS_CAUSE_BLOCKED);
  EXPECT_EQ(told.response().counts_size(), told.response().bounds_us_size() + 1);
  EXPECT_EQ(told.response().sum_us(), 5000U);
  EXPECT_EQ(told.response_p99_us(), 5000);
}

TEST(ObservedMessage, AContextTellsWhatItAskedForAndGotAndTheGpuWhyItIsNotDivided) {
  runtime::ObservedState state;
  state.contexts.resize(1);
  state.contexts[0].sms = 72;
  state.contexts[0].wantedSms = 66;
  state.partitionFault = "no MPS";
  const wire::ObservedState message = messageOf(state, "instance");
  EXPECT_EQ(message.gpus(0).contexts(0).sms(), 72U);
  EXPECT_EQ(message.gpus(0).contexts(0).wanted_sms(), 66U);
  EXPECT_EQ(message.gpus(0).partition_fault(), "no MPS");
}

// ---- Tensors ----

model::Manifest manifestOf(model::Datatype datatype) {
  model::Manifest manifest;
  manifest.inputs = {{"x", datatype, {-1, 2}}};
  manifest.outputs = {{"y", model::Datatype::kFp32, {-1, 1}}, {"z", model::Datatype::kFp32, {-1, 1}}};
  return manifest;
}

inference::ModelInferRequest requestOf(const std::string& datatype) {
  inference::ModelInferRequest request;
  auto& input = *request.add_inputs();
  input.set_name("x");
  input.set_datatype(datatype);
  input.add_shape(1);
  input.add_shape(2);
  return request;
}

/// What of a request's first input comes to lie in the memory of its job.
std::vector<std::byte> inputOf(const inference::ModelInferRequest& request, const model::Manifest& manifest) {
  const auto memory =
      inputsOf(request, manifest, 1, [&] { return engine::make_heap_job_memory(manifest, 1); });
  const std::span<const std::byte> input = memory->input(0);
  return {input.begin(), input.end()};
}

template <typename Element>
std::vector<Element> elements(const std::vector<std::byte>& bytes) {
  std::vector<Element> values(bytes.size() / sizeof(Element));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

runtime::ObservedState ofGpu(device::Report report) {
  runtime::ObservedState state;
  state.gpuUuid = "GPU-1";
  state.gpu = std::move(report);
  return state;
}

TEST(ObservedMessage, OfAGpuWithoutADriverNothingIsTold) {
  runtime::ObservedState state;
  state.gpuUuid = "cpu-0";
  const wire::ObservedGpu gpu = messageOf(state, "i").gpus(0);
  EXPECT_FALSE(gpu.has_reading() || gpu.has_foreign_sharing() || gpu.has_fault() || gpu.has_last_xid());
}

TEST(ObservedMessage, ASoundGpuThatIsOursAloneHasFiguresOnly) {
  device::Report report;
  report.reading.memoryUsedBytes = 0;
  report.reading.throttling = {"PowerBrake"};
  const wire::ObservedGpu gpu = messageOf(ofGpu(report), "i").gpus(0);
  EXPECT_TRUE(gpu.reading().has_memory_used_bytes()) << "none used is a figure";
  EXPECT_FALSE(gpu.reading().has_power_milliwatts()) << "not told";
  EXPECT_EQ(gpu.reading().throttling(0), "PowerBrake");
  EXPECT_FALSE(gpu.has_foreign_sharing() || gpu.has_fault() || gpu.has_last_xid());
}

TEST(ObservedMessage, WhatIsWrongWithAGpuIsTold) {
  device::Report report;
  report.foreign.processes.resize(2);
  report.foreign.hiddenBytes = 7;
  report.sharing = "processes 1, 2";
  report.fault = device::Fault{"XidCritical", "Xid 79"};
  report.lastXid = device::Xid{79, 42};
  report.xids = 3;
  const wire::ObservedGpu gpu = messageOf(ofGpu(report), "i").gpus(0);
  EXPECT_EQ(gpu.foreign_sharing().message(), "processes 1, 2");
  EXPECT_EQ(gpu.foreign_sharing().processes(), 2U);
  EXPECT_EQ(gpu.foreign_sharing().hidden_bytes(), 7U);
  EXPECT_EQ(gpu.fault().reason(), "XidCritical");
  EXPECT_EQ(gpu.fault().message(), "Xid 79");
  EXPECT_EQ(gpu.last_xid().code(), 79U);
  EXPECT_EQ(gpu.last_xid().time_us(), 42);
  EXPECT_EQ(gpu.xids(), 3U);
}

TEST(InferenceMessage, TypedContentsBecomeBytes) {
  auto floats = requestOf("FP32");
  floats.mutable_inputs(0)->mutable_contents()->add_fp32_contents(1.5F);
  floats.mutable_inputs(0)->mutable_contents()->add_fp32_contents(-2);
  EXPECT_EQ(elements<float>(inputOf(floats, manifestOf(model::Datatype::kFp32))),
            (std::vector<float>{1.5F, -2}));
  auto bytes = requestOf("INT8");
  bytes.mutable_inputs(0)->mutable_contents()->add_int_contents(-128);
  bytes.mutable_inputs(0)->mutable_contents()->add_int_contents(127);
  EXPECT_EQ(elements<std::int8_t>(inputOf(bytes, manifestOf(model::Datatype::kInt8))),
            (std::vector<std::int8_t>{-128, 127}));
  auto bools = requestOf("BOOL");
  bools.mutable_inputs(0)->mutable_contents()->add_bool_contents(true);
  bools.mutable_inputs(0)->mutable_contents()->add_bool_contents(false);
  EXPECT_EQ(elements<std::uint8_t>(inputOf(bools, manifestOf(model::Datatype::kBool))),
            (std::vector<std::uint8_t>{1, 0}));
}

std::string refusalOf(const inference::ModelInferRequest& request, model::Datatype datatype) {
  return guarded([&] { static_cast<void>(inputOf(request, manifestOf(datatype))); }).error_message();
}

TEST(InferenceMessage, BadContentsAreNamed) {
  auto large = requestOf("UINT8");
  large.mutable_inputs(0)->mutable_contents()->add_uint_contents(256);
  EXPECT_EQ(refusalOf(large, model::Datatype::kUint8),
            "tensor 'x' has the value 256, which its datatype cannot hold");
  EXPECT_EQ(refusalOf(requestOf("FP16"), model::Datatype::kFp16),
            "tensor 'x' has datatype 'FP16', which has no typed contents; send raw_input_contents");
  auto two = requestOf("FP32");
  two.add_raw_input_contents("12345678");
  two.add_raw_input_contents("12345678");
  EXPECT_EQ(refusalOf(two, model::Datatype::kFp32),
            "raw_input_contents has 2 entries, expected one for each of the 1 inputs");
  EXPECT_EQ(refusalOf(requestOf("FP32"), model::Datatype::kFp32),
            "tensor 'x' has 0 bytes, expected 8 for FP32 [1,2]");
}

TEST(InferenceMessage, OutputsAreThoseAskedFor) {
  auto request = requestOf("FP32");
  const auto manifest = manifestOf(model::Datatype::kFp32);
  EXPECT_EQ(outputsOf(request, manifest), (std::vector<std::size_t>{0, 1}));
  request.add_outputs()->set_name("z");
  EXPECT_EQ(outputsOf(request, manifest), std::vector<std::size_t>{1});
  request.add_outputs()->set_name("w");
  EXPECT_EQ(guarded([&] { static_cast<void>(outputsOf(request, manifest)); }).error_message(),
            "tensor 'w' is not an output; the outputs are: y, z");
}

TEST(InferenceMessage, NoMemoryIsMadeForWhatIsWrong) {
  bool made = false;
  auto request = requestOf("FP32");  // without any values
  const auto manifest = manifestOf(model::Datatype::kFp32);
  EXPECT_FALSE(guarded([&] {
                 static_cast<void>(inputsOf(request, manifest, 1, [&] {
                   made = true;
                   return engine::make_heap_job_memory(manifest, 1);
                 }));
               }).ok());
  EXPECT_FALSE(made);
}

TEST(DesiredMessage, JoiningAndWhatAProfileKnowsAreTaken) {
  wire::DesiredState message;
  message.mutable_policy()->set_admission(wire::ADMISSION_PREDICTED);
  EXPECT_FALSE(desiredOf(message).policy.scheduling.joining);
  message.mutable_policy()->set_joining(true);
  wire::DesiredModel& model = *message.add_models();
  model.set_digest("d");
  wire::BatchTiming& timing = *model.add_batches();
  timing.set_size(4);
  timing.add_stage_afet_us(100);
  timing.add_stage_afet_us(200);
  const runtime::DesiredState desired = desiredOf(message);
  EXPECT_TRUE(desired.policy.scheduling.joining);
  ASSERT_EQ(desired.models.at(0).batches.size(), 1U);
  EXPECT_EQ(desired.models[0].batches[0].size, 4U);
  EXPECT_EQ(desired.models[0].batches[0].stageAfetUs, (std::vector<DurationUs>{100, 200}));
}

TEST(ObservedMessage, UnitsOfATaskAndTheirTimesAreTold) {
  runtime::ObservedState state;
  runtime::ObservedTask& task = state.tasks.emplace_back();
  task.capacity = 4;
  task.statistics.started(4);
  task.statistics.started(1);
  runtime::ObservedModel& model = state.models.emplace_back();
  model.batches = {{1, {100, 200}}, {4, {150, 300}, {160, 310}}};
  const wire::ObservedState message = messageOf(state, "i");
  EXPECT_EQ(message.tasks(0).capacity(), 4U);
  EXPECT_EQ(message.tasks(0).started_jobs(), 2U);
  EXPECT_EQ(message.tasks(0).unit_jobs(), 5U);
  EXPECT_EQ(message.models(0).batches(0).stage_mret_us_size(), 0);
  ASSERT_EQ(message.models(0).batches(1).stage_mret_us_size(), 2);
  EXPECT_EQ(message.models(0).batches(1).stage_mret_us(1), 310);
}

TEST(ObservedMessage, AModelTellsWhetherItsTimesHoldAndHowFarMeasuringIs) {
  runtime::ObservedModel model;
  model.digest = "d";
  model.batches = {{2, {100, 200}}};
  model.measured = true;
  model.stagesMeasured = 4;
  model.stagesToMeasure = 8;
  runtime::ObservedState state;
  state.models = {model};
  const wire::ObservedState message = messageOf(state, "i");
  ASSERT_EQ(message.models_size(), 1);
  EXPECT_TRUE(message.models(0).measured());
  EXPECT_EQ(message.models(0).stages_measured(), 4U);
  EXPECT_EQ(message.models(0).stages_to_measure(), 8U);
  ASSERT_EQ(message.models(0).batches_size(), 1);
  EXPECT_EQ(message.models(0).batches(0).size(), 2U);
  EXPECT_EQ(message.models(0).batches(0).stage_afet_us(1), 200);
}

}  // namespace
}  // namespace daris::rpc
