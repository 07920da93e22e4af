// The two gRPC servers of a runtime: its agent's on a Unix socket, its clients' on TCP.
#pragma once

#include <grpcpp/server.h>

#include <chrono>
#include <memory>
#include <string>

#include "rpc/inference_service.hpp"
#include "rpc/runtime_service.hpp"

namespace daris::rpc {

struct ServerOptions {
  std::string socket;
  std::string inferenceHost;
  std::uint16_t inferencePort = 0;
};

class Servers {
 public:
  /// Listens when constructed. Throws std::runtime_error naming the address that cannot be had. The process's
  /// umask decides who may use the socket.
  Servers(runtime::Runtime& runtime, const ServerOptions& options);

  /// host:port that clients use, with the port that was bound.
  [[nodiscard]] const std::string& inferenceAddress() const { return address_; }

  /// Ends streams, and calls that last longer than `grace`.
  void stop(std::chrono::milliseconds grace);

 private:
  RuntimeService runtimeService_;
  InferenceService inferenceService_;
  std::string address_;
  std::unique_ptr<grpc::Server> inference_;
  std::unique_ptr<grpc::Server> agent_;
};

/// Sends what gRPC itself logs to this process's log.
void redirectLibraryLog();

}  // namespace daris::rpc
