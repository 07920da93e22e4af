// The real daris-runtime as a child process, with packages below a model root of its own, and clients to it.
#pragma once

#include <grpcpp/grpcpp.h>
#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/onnx_packages.hpp"
#include "inference.grpc.pb.h"
#include "runtime.grpc.pb.h"

namespace daris::test {

namespace wire = ::daris::runtime::v1;

/// A program started with its output read: killed and reaped at the end if it still runs.
class RuntimeProcess {
 public:
  RuntimeProcess(const std::filesystem::path& socket, const std::filesystem::path& modelRoot,
                 const std::vector<std::string>& more = {});
  ~RuntimeProcess();

  RuntimeProcess(const RuntimeProcess&) = delete;
  RuntimeProcess& operator=(const RuntimeProcess&) = delete;

  /// The next line on its stdout. Throws std::runtime_error when there is none for 20 s, or no more.
  [[nodiscard]] std::string readLine();

  void signal(int number) const;
  /// Waits for the end, at most 20 s. The exit status, or 128 + the signal that ended it.
  [[nodiscard]] int wait();
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int output_ = -1;
  std::string pending_;
};

/// Runs `daris-runtime` with these arguments to its end: exit status, and what it wrote to stderr.
struct ProcessEnd {
  int status = 0;
  std::string errors;
};
[[nodiscard]] ProcessEnd runToEnd(const std::vector<std::string>& arguments);

/// A runtime, its packages `chain` and `fragile`, and an agent's and a client's stub.
class Bed {
 public:
  explicit Bed(const std::vector<std::string>& more = {});

  [[nodiscard]] std::filesystem::path socket() const { return folder_.path() / "runtime.sock"; }
  [[nodiscard]] std::filesystem::path modelRoot() const { return folder_.path() / "models"; }
  [[nodiscard]] RuntimeProcess& process() { return *process_; }
  [[nodiscard]] const std::string& chainDigest() const { return chainDigest_; }
  [[nodiscard]] const std::string& fragileDigest() const { return fragileDigest_; }

  /// A sound desired state with both models and no task; two contexts of one stream.
  [[nodiscard]] wire::DesiredState desired(std::uint64_t generation) const;

  [[nodiscard]] wire::InfoResponse info();
  grpc::Status apply(const wire::DesiredState& desired);

  /// The whole text of a trace. Throws std::runtime_error where the call fails.
  [[nodiscard]] std::string trace(wire::TraceFormat format, std::uint32_t seconds = 0);

  /// The first observed state for which `wanted` holds. Throws std::runtime_error with the last state after
  /// 30 s.
  wire::ObservedState waitFor(const std::function<bool(const wire::ObservedState&)>& wanted);

  /// Applies, and waits until all its tasks serve.
  void serve(const wire::DesiredState& desired);

  struct Inferred {
    grpc::Status status;
    inference::ModelInferResponse response;
  };
  Inferred infer(const inference::ModelInferRequest& request,
                 std::chrono::milliseconds timeout = std::chrono::seconds(20));

  [[nodiscard]] inference::GRPCInferenceService::Stub& client();

  /// Connects anew, to the process that listens now.
  void connect();

 private:
  TemporaryFolder folder_;
  std::string chainDigest_;
  std::string fragileDigest_;
  std::unique_ptr<RuntimeProcess> process_;
  std::unique_ptr<wire::Runtime::Stub> agent_;
  std::unique_ptr<inference::GRPCInferenceService::Stub> client_;
};

/// A periodic LP task of the chain model with a period of 20 ms, in context 0.
wire::DesiredTask& addTask(wire::DesiredState& desired, const std::string& name, const std::string& digest);

/// Null where there is none.
[[nodiscard]] const wire::ObservedTask* find(const wire::ObservedState& state, const std::string& name);
[[nodiscard]] bool serves(const wire::ObservedState& state, const std::string& name);

/// A sound request to a task of the chain model: pixels that depend on `seed`.
[[nodiscard]] inference::ModelInferRequest chainRequest(const std::string& model, unsigned seed);
[[nodiscard]] std::vector<float> pixels(unsigned seed);

}  // namespace daris::test
