#include "rpc/trace_stream.hpp"

#include "rpc/status.hpp"
#include "runtime/error.hpp"

namespace daris::rpc {

namespace {

using Chunk = ::daris::runtime::v1::TraceChunk;

constexpr int kTraces = 2;  // at once
constexpr std::size_t kChunkBytes = std::size_t{64} << 10;

/// Between its creation and its end there is always one write under way, so that its reactions never overlap,
/// and a cancelled call is noticed by the failure of that write.
class TraceStream final : public grpc::ServerWriteReactor<Chunk> {
 public:
  TraceStream(TraceLimit& limit, const runtime::Runtime& runtime, std::uint32_t seconds, trace::Format format)
      : limit_(limit) {
    const grpc::Status status = guarded([&] {
      if (++limit_ > kTraces) throw runtime::Exhausted("two traces are being read already; try again later");
      export_ = runtime.trace(seconds, format);
    });
    if (status.ok()) {
      write();
    } else {
      Finish(status);
    }
  }

  void OnWriteDone(bool ok) override {
    if (ok) {
      write();
    } else {
      Finish(grpc::Status(grpc::StatusCode::CANCELLED, "the reader went away"));
    }
  }

  void OnDone() override {
    --limit_;
    delete this;  // as gRPC asks of reactors
  }

 private:
  void write() {
    if (export_->next(*chunk_.mutable_text(), kChunkBytes)) {
      StartWrite(&chunk_);
    } else {
      Finish(grpc::Status::OK);
    }
  }

  TraceLimit& limit_;
  std::unique_ptr<trace::Export> export_;
  Chunk chunk_;  // gRPC's while it is written
};

}  // namespace

grpc::ServerWriteReactor<Chunk>* traceStream(TraceLimit& limit, const runtime::Runtime& runtime,
                                             std::uint32_t seconds, trace::Format format) {
  return new TraceStream(limit, runtime, seconds, format);
}

}  // namespace daris::rpc
