// The one place where what went wrong becomes a gRPC status.
#pragma once

#include <grpcpp/support/status.h>

#include <exception>
#include <string>

#include "runtime/request.hpp"

namespace daris::rpc {

/// The status of an exception that was caught at the boundary; UNKNOWN types become INTERNAL.
[[nodiscard]] grpc::Status statusOf(const std::exception_ptr& error);

/// The status of a request that has ended; OK when Completed.
[[nodiscard]] grpc::Status statusOf(const runtime::Outcome& outcome, const std::string& task);

/// Runs `work` and answers its status.
template <typename Work>
[[nodiscard]] grpc::Status guarded(Work&& work) {
  try {
    work();
    return grpc::Status::OK;
  } catch (...) {
    return statusOf(std::current_exception());
  }
}

}  // namespace daris::rpc
