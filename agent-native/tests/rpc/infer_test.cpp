// Clients of the Open Inference Protocol against the real process.
#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <functional>
#include <openvino/runtime/core.hpp>
#include <openvino/runtime/properties.hpp>
#include <thread>

#include "rpc/runtime_process.hpp"

namespace daris::test {
namespace {

using grpc::StatusCode;
using inference::ModelInferRequest;

/// An OnRequest task that takes a request each millisecond.
wire::DesiredTask& addOnRequest(wire::DesiredState& desired, const std::string& name,
                                const std::string& digest) {
  wire::DesiredTask& task = addTask(desired, name, digest);
  task.set_release(wire::RELEASE_ON_REQUEST);
  task.set_period_us(1'000'000);
  task.set_deadline_us(1'000'000);
  task.set_release_jitter_us(1'000'000'000);  // a burst of a thousand
  return task;
}

/// The whole chain, by OpenVINO's own interface.
std::vector<float> wholeChain(const std::vector<float>& input) {
  ov::Core core;
  const auto model = core.read_model(onnx_file("whole-b1"), ov::Tensor());
  auto request = core.compile_model(model, "CPU", ov::hint::inference_precision(ov::element::f32))
                     .create_infer_request();
  std::memcpy(request.get_input_tensor().data(), input.data(), input.size() * sizeof(float));
  request.infer();
  const ov::Tensor output = request.get_output_tensor();
  const auto* values = output.data<float>();
  return {values, values + output.get_size()};
}

void expectScores(const inference::ModelInferResponse& response, const std::vector<float>& expected) {
  ASSERT_EQ(response.raw_output_contents_size(), 1);
  ASSERT_EQ(response.raw_output_contents(0).size(), expected.size() * sizeof(float));
  std::vector<float> scores(expected.size());
  std::memcpy(scores.data(), response.raw_output_contents(0).data(), response.raw_output_contents(0).size());
  for (std::size_t i = 0; i < scores.size(); ++i) EXPECT_NEAR(scores[i], expected[i], 1e-4F) << i;
}

TEST(Infer, GivesWhatTheWholeModelGives) {
  Bed bed;
  auto desired = bed.desired(1);
  addOnRequest(desired, "a", bed.chainDigest());
  bed.serve(desired);
  for (const unsigned seed : {1U, 2U, 3U}) {
    const auto [status, response] = bed.infer(chainRequest("a.default", seed));
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.model_name(), "a.default");
    EXPECT_EQ(response.id(), "request-" + std::to_string(seed));
    EXPECT_EQ(response.outputs(0).name(), "scores");
    EXPECT_EQ(response.outputs(0).datatype(), "FP32");
    EXPECT_GT(response.parameters().at("response_us").int64_param(), 0);
    EXPECT_EQ(response.parameters().count("context"), 1U);
    expectScores(response, wholeChain(pixels(seed)));
  }
}

TEST(Infer, TakesTypedContentsToo) {
  Bed bed;
  auto desired = bed.desired(1);
  addOnRequest(desired, "a", bed.chainDigest());
  bed.serve(desired);
  ModelInferRequest request = chainRequest("a.default", 5);
  request.clear_raw_input_contents();
  for (const float value : pixels(5)) request.mutable_inputs(0)->mutable_contents()->add_fp32_contents(value);
  const auto [status, response] = bed.infer(request);
  ASSERT_TRUE(status.ok()) << status.error_message();
  expectScores(response, wholeChain(pixels(5)));
}

TEST(Infer, OnAPeriodicTaskTheNextJobAnswers) {
  Bed bed;
  auto desired = bed.desired(1);
  auto& task = addTask(desired, "a", bed.chainDigest());
  task.set_period_us(500'000);  // admitted on a loaded machine too
  task.set_deadline_us(500'000);
  bed.serve(desired);
  for (const unsigned seed : {1U, 2U, 3U}) {
    const auto [status, response] = bed.infer(chainRequest("a.default", seed));
    ASSERT_TRUE(status.ok()) << status.error_message();
    expectScores(response, wholeChain(pixels(seed)));
  }
}

struct BadRequest {
  const char* name;
  std::function<void(ModelInferRequest&)> spoil;
  StatusCode code;
  std::string words;
};

TEST(Infer, EachBadTensorIsNamedAndTheTaskServesOn) {
  Bed bed;
  auto desired = bed.desired(1);
  addOnRequest(desired, "a", bed.chainDigest());
  bed.serve(desired);
  const std::vector<BadRequest> faults{
      {"name", [](auto& request) { request.mutable_inputs(0)->set_name("picture"); },
       StatusCode::INVALID_ARGUMENT,
       "tensor 'picture' is not an input; the inputs are: image FP32 [1,3,16,16]"},
      {"shape", [](auto& request) { request.mutable_inputs(0)->set_shape(2, 17); },
       StatusCode::INVALID_ARGUMENT, "tensor 'image' has shape [1,3,17,16], expected FP32 [1,3,16,16]"},
      {"batch", [](auto& request) { request.mutable_inputs(0)->set_shape(0, 2); },
       StatusCode::INVALID_ARGUMENT, "tensor 'image' has shape [2,3,16,16], expected FP32 [1,3,16,16]"},
      {"type", [](auto& request) { request.mutable_inputs(0)->set_datatype("FP16"); },
       StatusCode::INVALID_ARGUMENT, "tensor 'image' has datatype 'FP16', expected FP32 [1,3,16,16]"},
      {"length", [](auto& request) { request.mutable_raw_input_contents(0)->pop_back(); },
       StatusCode::INVALID_ARGUMENT, "tensor 'image' has 3071 bytes, expected 3072 for FP32 [1,3,16,16]"},
      {"output", [](auto& request) { request.add_outputs()->set_name("boxes"); },
       StatusCode::INVALID_ARGUMENT, "tensor 'boxes' is not an output; the outputs are: scores"},
      {"nothing",
       [](auto& request) {
         request.clear_inputs();
         request.clear_raw_input_contents();
       },
       StatusCode::INVALID_ARGUMENT, "tensor 'image' is missing, expected FP32 [1,3,16,16]"},
      {"task", [](auto& request) { request.set_model_name("b.default"); }, StatusCode::NOT_FOUND,
       "no task 'b.default' is served here; model names are TASK.NAMESPACE"},
      {"version", [](auto& request) { request.set_model_version("7"); }, StatusCode::NOT_FOUND,
       "task 'a.default' has no version '7'; it serves " + bed.chainDigest()}};
  for (const BadRequest& fault : faults) {
    ModelInferRequest request = chainRequest("a.default", 1);
    fault.spoil(request);
    const grpc::Status status = bed.infer(request).status;
    EXPECT_EQ(status.error_code(), fault.code) << fault.name;
    EXPECT_EQ(status.error_message(), fault.words);
    EXPECT_TRUE(bed.infer(chainRequest("a.default", 1)).status.ok()) << "after " << fault.name;
  }
}

TEST(Infer, AnEarlyRequestIsToldWhenToRetry) {
  Bed bed;
  auto desired = bed.desired(1);
  addOnRequest(desired, "a", bed.chainDigest()).set_release_jitter_us(0);
  desired.mutable_tasks(0)->set_period_us(60'000'000);
  desired.mutable_tasks(0)->set_deadline_us(60'000'000);
  bed.serve(desired);
  ASSERT_TRUE(bed.infer(chainRequest("a.default", 1)).status.ok());
  const grpc::Status status = bed.infer(chainRequest("a.default", 2)).status;
  EXPECT_EQ(status.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(status.error_message().rfind("early: a.default", 0), 0U) << status.error_message();
  const auto state = bed.waitFor([](const auto& seen) { return find(seen, "a")->jobs().early() == 1; });
  EXPECT_EQ(find(state, "a")->jobs().completed(), 1U);
}

TEST(Infer, ARejectionHasTheTermsOfTheInequality) {
  Bed bed;
  auto desired = bed.desired(1);
  auto& task = addOnRequest(desired, "a", bed.chainDigest());
  task.set_deadline_us(1);
  bed.serve(desired);
  const grpc::Status status = bed.infer(chainRequest("a.default", 1)).status;
  EXPECT_EQ(status.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  const std::string words = status.error_message();
  EXPECT_EQ(words.rfind("admission: active 0 + ", 0), 0U) << words;
  EXPECT_NE(words.find(">= 1 - 0 on context 0; active 0 + "), std::string::npos) << words;
  EXPECT_NE(words.find("on context 1"), std::string::npos) << words;
}

TEST(Infer, ANewerInputTakesThePlaceOfAnOlder) {
  Bed bed;
  auto desired = bed.desired(1);
  auto& task = addTask(desired, "a", bed.chainDigest());
  task.set_period_us(2'000'000);
  task.set_deadline_us(2'000'000);
  bed.serve(desired);
  grpc::Status older;
  grpc::Status newer;
  // Both must come between two releases; around one, the older is answered too, and it is tried again.
  for (int attempt = 0; attempt < 5 && older.error_code() != StatusCode::ABORTED; ++attempt) {
    std::jthread first([&] { older = bed.infer(chainRequest("a.default", 1)).status; });
    std::jthread second([&] { newer = bed.infer(chainRequest("a.default", 2)).status; });
    first.join();
    second.join();
    if (newer.error_code() == StatusCode::ABORTED) std::swap(older, newer);
  }
  EXPECT_EQ(older.error_code(), StatusCode::ABORTED);
  EXPECT_NE(older.error_message().find("a newer input of a.default"), std::string::npos);
  EXPECT_TRUE(newer.ok()) << newer.error_message();
}

TEST(Infer, AClientThatGivesUpHarmsNobody) {
  Bed bed;
  auto desired = bed.desired(1);
  auto& slow = addTask(desired, "slow", bed.chainDigest());
  slow.set_period_us(3'600'000'000);
  slow.set_deadline_us(3'600'000'000);
  addOnRequest(desired, "a", bed.chainDigest());
  bed.serve(desired);
  for (int i = 0; i < 20; ++i) {
    const grpc::Status status =
        bed.infer(chainRequest("slow.default", 1), std::chrono::milliseconds(20)).status;
    EXPECT_EQ(status.error_code(), StatusCode::DEADLINE_EXCEEDED);
  }
  const auto [status, response] = bed.infer(chainRequest("a.default", 4));
  ASSERT_TRUE(status.ok()) << status.error_message();
  expectScores(response, wholeChain(pixels(4)));
}

ModelInferRequest fragileRequest(std::int64_t axis) {
  ModelInferRequest request;
  request.set_model_name("f.default");
  auto& x = *request.add_inputs();
  x.set_name("x");
  x.set_datatype("FP32");
  x.add_shape(1);
  x.add_shape(4);
  auto& where = *request.add_inputs();
  where.set_name("axis");
  where.set_datatype("INT64");
  where.add_shape(1);
  where.add_shape(2);
  const std::vector<float> values{1, 2, 3, 4};
  const std::vector<std::int64_t> axes{axis, 0};
  request.add_raw_input_contents(values.data(), values.size() * sizeof(float));
  request.add_raw_input_contents(axes.data(), axes.size() * sizeof(std::int64_t));
  return request;
}

TEST(Infer, AStageThatFailsFailsItsOwnJobAlone) {
  Bed bed;
  auto desired = bed.desired(1);
  addOnRequest(desired, "f", bed.fragileDigest());
  addTask(desired, "other", bed.chainDigest());
  bed.serve(desired);
  const grpc::Status status = bed.infer(fragileRequest(9)).status;
  EXPECT_EQ(status.error_code(), StatusCode::INTERNAL);
  EXPECT_EQ(status.error_message().rfind("the engine failed on f.default: ", 0), 0U)
      << status.error_message();
  const auto [again, response] = bed.infer(fragileRequest(1));
  ASSERT_TRUE(again.ok()) << again.error_message();
  std::vector<float> sums(4);
  std::memcpy(sums.data(), response.raw_output_contents(0).data(), 16);
  EXPECT_EQ(sums, (std::vector<float>{1, 3, 6, 10}));
  const auto state = bed.waitFor([](const auto& seen) { return find(seen, "f")->jobs().failed() == 1; });
  EXPECT_EQ(find(state, "other")->jobs().failed(), 0U);
  bed.waitFor([&](const auto& seen) {
    return find(seen, "other")->jobs().completed() > find(state, "other")->jobs().completed() + 3;
  });
}

TEST(Infer, ATaskThatWasRemovedIsNotFound) {
  Bed bed;
  auto desired = bed.desired(1);
  addOnRequest(desired, "a", bed.chainDigest());
  bed.serve(desired);
  ASSERT_TRUE(bed.infer(chainRequest("a.default", 1)).status.ok());
  desired.set_generation(2);
  desired.clear_tasks();
  bed.serve(desired);
  EXPECT_EQ(bed.infer(chainRequest("a.default", 1)).status.error_code(), StatusCode::NOT_FOUND);
}

TEST(Infer, WhoWaitsForAJobIsAnsweredWhenTheRuntimeStops) {
  Bed bed;
  auto desired = bed.desired(1);
  auto& slow = addTask(desired, "slow", bed.chainDigest());
  slow.set_period_us(3'600'000'000);
  slow.set_deadline_us(3'600'000'000);
  addTask(desired, "other", bed.chainDigest());
  bed.serve(desired);
  grpc::Status status;
  std::jthread waiting([&] { status = bed.infer(chainRequest("slow.default", 1)).status; });
  ASSERT_TRUE(bed.infer(chainRequest("other.default", 1)).status.ok());
  bed.process().signal(SIGTERM);
  EXPECT_EQ(bed.process().wait(), 0);
  waiting.join();
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.error_code(), StatusCode::DEADLINE_EXCEEDED)
      << "it was answered, not left to its deadline";
}

TEST(Infer, MetadataAndReadinessTellWhatIsServed) {
  Bed bed;
  const auto deadline = [](grpc::ClientContext& context) {
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  };
  grpc::ClientContext early;
  deadline(early);
  inference::ServerReadyResponse ready;
  ASSERT_TRUE(bed.client().ServerReady(&early, {}, &ready).ok());
  EXPECT_FALSE(ready.ready()) << "nothing was applied yet";
  auto desired = bed.desired(1);
  addOnRequest(desired, "a", bed.chainDigest()).set_batch_size(2);
  bed.serve(desired);

  grpc::ClientContext live;
  inference::ServerLiveResponse alive;
  ASSERT_TRUE(bed.client().ServerLive(&live, {}, &alive).ok());
  EXPECT_TRUE(alive.live());
  grpc::ClientContext later;
  ASSERT_TRUE(bed.client().ServerReady(&later, {}, &ready).ok());
  EXPECT_TRUE(ready.ready());
  grpc::ClientContext server;
  inference::ServerMetadataResponse about;
  ASSERT_TRUE(bed.client().ServerMetadata(&server, {}, &about).ok());
  EXPECT_EQ(about.name(), "daris-runtime");

  inference::ModelMetadataRequest request;
  request.set_name("a.default");
  grpc::ClientContext model;
  inference::ModelMetadataResponse metadata;
  ASSERT_TRUE(bed.client().ModelMetadata(&model, request, &metadata).ok());
  EXPECT_EQ(metadata.inputs(0).name(), "image");
  EXPECT_EQ(metadata.inputs(0).shape(0), 2);
  EXPECT_EQ(metadata.outputs(0).name(), "scores");
  inference::ModelReadyRequest unknown;
  unknown.set_name("b.default");
  grpc::ClientContext other;
  inference::ModelReadyResponse modelReady;
  EXPECT_EQ(bed.client().ModelReady(&other, unknown, &modelReady).error_code(), StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace daris::test
