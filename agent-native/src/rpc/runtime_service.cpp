#include "rpc/runtime_service.hpp"

#include <algorithm>

#include "rpc/desired_message.hpp"
#include "rpc/status.hpp"

namespace daris::rpc {

namespace {

namespace wire = ::daris::runtime::v1;

constexpr std::uint32_t kDefaultIntervalMs = 1000;
constexpr std::uint32_t kLeastIntervalMs = 100;

grpc::ServerUnaryReactor* finish(grpc::CallbackServerContext& context, const grpc::Status& status) {
  grpc::ServerUnaryReactor* reactor = context.DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

}  // namespace

grpc::ServerUnaryReactor* RuntimeService::Info(grpc::CallbackServerContext* context, const wire::InfoRequest*,
                                               wire::InfoResponse* response) {
  const engine::Device& device = runtime_.device();
  response->set_runtime_version(runtime_.version());
  response->set_instance_id(runtime_.instanceId());
  response->set_inference_address(inferenceAddress_);
  wire::Gpu& gpu = *response->add_gpus();
  gpu.set_uuid(device.uuid);
  gpu.set_product(device.product);
  gpu.set_sms(device.units);
  gpu.set_memory_bytes(device.memory_bytes);
  gpu.set_engine(device.engine);
  gpu.set_engine_version(device.engine_version);
  for (const std::string& uuid : runtime_.nodeGpus()) response->add_node_gpus(uuid);
  return finish(*context, grpc::Status::OK);
}

grpc::ServerUnaryReactor* RuntimeService::Apply(grpc::CallbackServerContext* context,
                                                const wire::DesiredState* request,
                                                wire::ApplyResponse* response) {
  const grpc::Status status = guarded([&] { runtime_.apply(desiredOf(*request)); });
  response->set_instance_id(runtime_.instanceId());
  response->set_generation(request->generation());
  return finish(*context, status);
}

grpc::ServerWriteReactor<wire::ObservedState>* RuntimeService::Watch(grpc::CallbackServerContext*,
                                                                     const wire::WatchRequest* request) {
  const std::uint32_t asked = request->interval_ms() == 0 ? kDefaultIntervalMs : request->interval_ms();
  return hub_.watch(static_cast<DurationUs>(std::max(asked, kLeastIntervalMs)) * 1000);
}

grpc::ServerWriteReactor<wire::TraceChunk>* RuntimeService::Trace(grpc::CallbackServerContext*,
                                                                  const wire::TraceRequest* request) {
  const bool records = request->format() == wire::TRACE_FORMAT_RECORDS;
  return traceStream(traces_, runtime_, request->seconds(),
                     records ? trace::Format::JsonLines : trace::Format::Chrome);
}

}  // namespace daris::rpc
