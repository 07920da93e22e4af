#include "rpc/servers.hpp"

#include <grpc/support/log.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_builder.h>

#include <stdexcept>

#include "runtime/log.hpp"

namespace daris::rpc {

namespace {

constexpr int kInferenceMessageBytes = 64 << 20;
constexpr int kAgentMessageBytes = 16 << 20;
constexpr int kStreamsPerConnection = 256;
constexpr int kKeepaliveMs = 60'000;
constexpr int kKeepaliveTimeoutMs = 20'000;
constexpr int kLeastPingIntervalMs = 10'000;
constexpr int kThreads = 8;
constexpr std::size_t kInferenceMemoryBytes = std::size_t{512} << 20;

void limit(grpc::ServerBuilder& builder, int messageBytes) {
  builder.SetMaxReceiveMessageSize(messageBytes);
  builder.SetMaxSendMessageSize(messageBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsPerConnection);
  // A dead client is noticed, and one that pings more often than this is cut off.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kLeastPingIntervalMs);
  // Two runtimes on one port would share its connections at random.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

std::unique_ptr<grpc::Server> startInference(InferenceService& service, const ServerOptions& options,
                                             int& port) {
  grpc::ServerBuilder builder;
  limit(builder, kInferenceMessageBytes);
  grpc::ResourceQuota quota("inference");
  quota.Resize(kInferenceMemoryBytes);
  quota.SetMaxThreads(kThreads);
  builder.SetResourceQuota(quota);
  const std::string address = options.inferenceHost + ":" + std::to_string(options.inferencePort);
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  auto server = builder.BuildAndStart();
  if (!server || port == 0) {
    throw std::runtime_error("--inference-address: cannot listen on " + address +
                             "; choose a free port of this host");
  }
  return server;
}

std::unique_ptr<grpc::Server> startAgent(RuntimeService& service, const std::string& socket) {
  grpc::ServerBuilder builder;
  limit(builder, kAgentMessageBytes);
  builder.AddListeningPort("unix:" + socket, grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  auto server = builder.BuildAndStart();
  if (!server)
    throw std::runtime_error("--socket: cannot listen on " + socket + "; choose a writable directory");
  return server;
}

void logLine(gpr_log_func_args* args) {
  const bool error = args->severity == GPR_LOG_SEVERITY_ERROR;
  runtime::log(error ? runtime::LogLevel::Error : runtime::LogLevel::Info, "grpc",
               {{"detail", args->message}});
}

}  // namespace

Servers::Servers(runtime::Runtime& runtime, const ServerOptions& options)
    : runtimeService_(runtime), inferenceService_(runtime) {
  int port = 0;
  inference_ = startInference(inferenceService_, options, port);
  address_ = options.inferenceHost + ":" + std::to_string(port);
  runtimeService_.setInferenceAddress(address_);
  agent_ = startAgent(runtimeService_, options.socket);
}

void Servers::stop(std::chrono::milliseconds grace) {
  const auto deadline = std::chrono::system_clock::now() + grace;
  runtimeService_.stop();
  agent_->Shutdown(deadline);
  inference_->Shutdown(deadline);
}

void redirectLibraryLog() {
  gpr_set_log_function(logLine);
}

}  // namespace daris::rpc
