// runtime.proto served to the node's agent.
#pragma once

#include <string>

#include "rpc/trace_stream.hpp"
#include "rpc/watch_hub.hpp"
#include "runtime.grpc.pb.h"
#include "runtime/runtime.hpp"

namespace daris::rpc {

class RuntimeService final : public ::daris::runtime::v1::Runtime::CallbackService {
 public:
  explicit RuntimeService(runtime::Runtime& runtime) : runtime_(runtime), hub_(runtime) {}

  /// Told in Info; set before the server starts.
  void setInferenceAddress(std::string address) { inferenceAddress_ = std::move(address); }

  /// Ends the streams of Watch.
  void stop() { hub_.stop(); }

  grpc::ServerUnaryReactor* Info(grpc::CallbackServerContext* context,
                                 const ::daris::runtime::v1::InfoRequest* request,
                                 ::daris::runtime::v1::InfoResponse* response) override;
  grpc::ServerUnaryReactor* Apply(grpc::CallbackServerContext* context,
                                  const ::daris::runtime::v1::DesiredState* request,
                                  ::daris::runtime::v1::ApplyResponse* response) override;
  grpc::ServerWriteReactor<::daris::runtime::v1::ObservedState>* Watch(
      grpc::CallbackServerContext* context, const ::daris::runtime::v1::WatchRequest* request) override;
  grpc::ServerWriteReactor<::daris::runtime::v1::TraceChunk>* Trace(
      grpc::CallbackServerContext* context, const ::daris::runtime::v1::TraceRequest* request) override;

 private:
  runtime::Runtime& runtime_;
  WatchHub hub_;
  TraceLimit traces_;
  std::string inferenceAddress_;
};

}  // namespace daris::rpc
