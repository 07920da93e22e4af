// A trace written to one caller, piece by piece, at the caller's pace.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <atomic>

#include "runtime.pb.h"
#include "runtime/runtime.hpp"

namespace daris::rpc {

/// Counts the traces that are being read; each holds a copy of up to the whole ring.
using TraceLimit = std::atomic<int>;

/// A stream for one call; gRPC owns it until its end. `limit` and `runtime` must outlive it.
[[nodiscard]] grpc::ServerWriteReactor<::daris::runtime::v1::TraceChunk>* traceStream(
    TraceLimit& limit, const runtime::Runtime& runtime, std::uint32_t seconds, trace::Format format);

}  // namespace daris::rpc
