#include "rpc/inference_service.hpp"

#include <chrono>

#include "rpc/inference_message.hpp"
#include "rpc/status.hpp"
#include "runtime/error.hpp"
#include "runtime/tensors.hpp"

namespace daris::rpc {

namespace {

grpc::ServerUnaryReactor* finish(grpc::CallbackServerContext& context, const grpc::Status& status) {
  grpc::ServerUnaryReactor* reactor = context.DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

/// A served task's only version is its model's digest; an empty version means whatever is served.
runtime::ServedTask servedVersion(const runtime::Runtime& runtime, const std::string& name,
                                  const std::string& version) {
  runtime::ServedTask task = runtime.serving(name);
  if (version.empty() || version == task.model->digest()) return task;
  throw runtime::NotFound("task '" + name + "' has no version '" + version + "'; it serves " +
                          task.model->digest());
}

/// The client's deadline on the steady clock; kMaxTimeUs without one.
TimeUs clientDeadline(const grpc::CallbackServerContext& context, const runtime::Clock& clock) {
  const auto left = context.deadline() - std::chrono::system_clock::now();
  const auto leftUs = std::chrono::duration_cast<std::chrono::microseconds>(left).count();
  return leftUs >= kMaxTimeUs ? kMaxTimeUs : clock.steadyUs() + leftUs;
}

/// One call of ModelInfer; gRPC owns it until OnDone.
class InferCall final : public grpc::ServerUnaryReactor {
 public:
  InferCall(runtime::Runtime& runtime, const inference::ModelInferRequest& message,
            inference::ModelInferResponse& response)
      : runtime_(runtime), message_(message), response_(response) {}

  void start(const grpc::CallbackServerContext& context) {
    const grpc::Status status = guarded([&] {
      task_ = servedVersion(runtime_, message_.model_name(), message_.model_version());
      const model::Manifest& manifest = task_.model->manifest();
      outputs_ = outputsOf(message_, manifest);
      request_ = std::make_shared<runtime::Request>();
      request_->instance = task_.instance;
      request_->memory =
          inputsOf(message_, manifest, task_.batch, [this] { return runtime_.jobMemory(task_); });
      request_->clientDeadlineUs = clientDeadline(context, runtime_.clock());
      // The call lives until it was finished, and nothing but this answer finishes it.
      request_->answer = [this](runtime::Request& ended) { answer(ended); };
      if (context.IsCancelled()) request_->abandoned = true;
      runtime_.submit(request_);
    });
    if (!status.ok()) Finish(status);
  }

  /// The client left or its deadline passed. Called after start() has returned, and before OnDone.
  void OnCancel() override {
    if (request_) runtime_.abandon(*request_);
  }

  void OnDone() override { delete this; }

 private:
  void answer(const runtime::Request& ended) {
    const grpc::Status status = statusOf(ended.outcome, task_.name);
    if (status.ok()) {
      response_.set_model_name(message_.model_name());
      response_.set_model_version(task_.model->digest());
      response_.set_id(message_.id());
      fillResponse(ended, task_.model->manifest(), task_.batch, outputs_, response_);
    }
    Finish(status);
  }

  runtime::Runtime& runtime_;
  const inference::ModelInferRequest& message_;
  inference::ModelInferResponse& response_;
  runtime::ServedTask task_;
  std::vector<std::size_t> outputs_;
  runtime::RequestPtr request_;
};

void fill(inference::ModelMetadataResponse::TensorMetadata& message, const model::Tensor& tensor,
          std::uint32_t batch) {
  message.set_name(tensor.name);
  message.set_datatype(std::string(model::to_word(tensor.datatype)));
  for (const std::int64_t size : runtime::shapeAt(tensor, batch)) message.add_shape(size);
}

}  // namespace

grpc::ServerUnaryReactor* InferenceService::ServerLive(grpc::CallbackServerContext* context,
                                                       const inference::ServerLiveRequest*,
                                                       inference::ServerLiveResponse* response) {
  response->set_live(true);
  return finish(*context, grpc::Status::OK);
}

grpc::ServerUnaryReactor* InferenceService::ServerReady(grpc::CallbackServerContext* context,
                                                        const inference::ServerReadyRequest*,
                                                        inference::ServerReadyResponse* response) {
  response->set_ready(runtime_.ready());
  return finish(*context, grpc::Status::OK);
}

grpc::ServerUnaryReactor* InferenceService::ModelReady(grpc::CallbackServerContext* context,
                                                       const inference::ModelReadyRequest* request,
                                                       inference::ModelReadyResponse* response) {
  const grpc::Status status = guarded([&] {
    const runtime::ServedTask task = runtime_.find(request->name());
    response->set_ready(task.phase == runtime::TaskPhase::Serving && task.model != nullptr);
  });
  return finish(*context, status);
}

grpc::ServerUnaryReactor* InferenceService::ServerMetadata(grpc::CallbackServerContext* context,
                                                           const inference::ServerMetadataRequest*,
                                                           inference::ServerMetadataResponse* response) {
  response->set_name("daris-runtime");
  response->set_version(runtime_.version());
  return finish(*context, grpc::Status::OK);
}

grpc::ServerUnaryReactor* InferenceService::ModelMetadata(grpc::CallbackServerContext* context,
                                                          const inference::ModelMetadataRequest* request,
                                                          inference::ModelMetadataResponse* response) {
  const grpc::Status status = guarded([&] {
    const runtime::ServedTask task = servedVersion(runtime_, request->name(), request->version());
    const model::Manifest& manifest = task.model->manifest();
    response->set_name(task.name);
    response->add_versions(task.model->digest());
    response->set_platform("daris_" + runtime_.device().engine);
    for (const auto& input : manifest.inputs) fill(*response->add_inputs(), input, task.batch);
    for (const auto& output : manifest.outputs) fill(*response->add_outputs(), output, task.batch);
  });
  return finish(*context, status);
}

grpc::ServerUnaryReactor* InferenceService::ModelInfer(grpc::CallbackServerContext* context,
                                                       const inference::ModelInferRequest* request,
                                                       inference::ModelInferResponse* response) {
  auto* call =
      new InferCall(runtime_, *request, *response);  // deletes itself in OnDone, as gRPC asks of reactors
  call->start(*context);
  return call;
}

}  // namespace daris::rpc
