#include "rpc/runtime_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstring>
#include <stdexcept>

#include "engine/stage_runner.hpp"

namespace daris::test {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kPatience = std::chrono::seconds(20);
constexpr auto kObservedPatience = std::chrono::seconds(30);

struct Pipe {
  int ends[2] = {-1, -1};
  Pipe() {
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  }
};

/// Starts the program with one of its descriptors going into a pipe.
pid_t start(const std::vector<std::string>& arguments, int descriptor, const Pipe& pipe) {
  std::vector<char*> argv{const_cast<char*>(DARIS_RUNTIME)};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::dup2(pipe.ends[1], descriptor);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

/// Appends what is there within the patience; false at the end of the stream.
bool readSome(int fd, std::string& text) {
  pollfd readable{fd, POLLIN, 0};
  if (::poll(&readable, 1, std::chrono::milliseconds(kPatience).count()) != 1)
    throw std::runtime_error("no output");
  char buffer[4096];
  const ssize_t count = ::read(fd, buffer, sizeof buffer);
  if (count > 0) text.append(buffer, static_cast<std::size_t>(count));
  return count > 0;
}

int statusOf(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

RuntimeProcess::RuntimeProcess(const std::filesystem::path& socket, const std::filesystem::path& modelRoot,
                               const std::vector<std::string>& more) {
  const std::string core = std::to_string(usable_core());
  std::vector<std::string> arguments{"--socket", socket, "--model-root", modelRoot, "--cores", core};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const Pipe pipe;
  pid_ = start(arguments, STDOUT_FILENO, pipe);
  ::close(pipe.ends[1]);
  output_ = pipe.ends[0];
}

RuntimeProcess::~RuntimeProcess() {
  if (pid_ > 0) {
    ::kill(pid_, SIGTERM);
    if (wait() < 0) ::kill(pid_, SIGKILL);
  }
  ::close(output_);
}

std::string RuntimeProcess::readLine() {
  for (;;) {
    const auto end = pending_.find('\n');
    if (end != std::string::npos) {
      std::string line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      return line;
    }
    if (!readSome(output_, pending_)) throw std::runtime_error("daris-runtime ended without a line");
  }
}

void RuntimeProcess::signal(int number) const {
  ::kill(pid_, number);
}

int RuntimeProcess::wait() {
  const auto deadline = Clock::now() + kPatience;
  while (Clock::now() < deadline) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      return statusOf(status);
    }
    ::poll(nullptr, 0, 10);
  }
  return -1;
}

ProcessEnd runToEnd(const std::vector<std::string>& arguments) {
  const Pipe pipe;
  const pid_t pid = start(arguments, STDERR_FILENO, pipe);
  ::close(pipe.ends[1]);
  ProcessEnd run;
  while (readSome(pipe.ends[0], run.errors)) {
  }
  ::close(pipe.ends[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  run.status = statusOf(status);
  return run;
}

// ---- Bed ----

Bed::Bed(const std::vector<std::string>& more) {
  const PackageContent chain = chain_package();
  const PackageContent fragile = fragile_package();
  write_folder(chain, modelRoot() / "chain");
  write_folder(fragile, modelRoot() / "fragile");
  chainDigest_ = chain.digest();
  fragileDigest_ = fragile.digest();
  process_ = std::make_unique<RuntimeProcess>(socket(), modelRoot(), more);
  connect();
}

void Bed::connect() {
  const std::string line = process_->readLine();
  const std::string address = line.substr(line.rfind(' ') + 1);
  // Channels of their own, never ones that gRPC has kept from another process at this address.
  grpc::ChannelArguments own;
  own.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto plain = grpc::InsecureChannelCredentials();
  agent_ = wire::Runtime::NewStub(grpc::CreateCustomChannel("unix:" + socket().string(), plain, own));
  client_ = inference::GRPCInferenceService::NewStub(grpc::CreateCustomChannel(address, plain, own));
}

wire::DesiredState Bed::desired(std::uint64_t generation) const {
  wire::DesiredState desired;
  desired.set_generation(generation);
  wire::Policy& policy = *desired.mutable_policy();
  policy.set_contexts(2);
  policy.set_streams_per_context(1);
  policy.set_oversubscription(1);
  policy.set_mret_window(5);
  policy.set_admission(wire::ADMISSION_UTILIZATION);
  policy.set_high_priority_utilization_limit(0.75);
  for (const auto& [digest, name] : {std::pair{chainDigest_, "chain"}, {fragileDigest_, "fragile"}}) {
    wire::DesiredModel& model = *desired.add_models();
    model.set_digest(digest);
    model.set_uri(std::string("file:///") + name);
  }
  return desired;
}

wire::InfoResponse Bed::info() {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  wire::InfoResponse response;
  const grpc::Status status = agent_->Info(&context, {}, &response);
  if (!status.ok()) throw std::runtime_error("Info: " + status.error_message());
  return response;
}

grpc::Status Bed::apply(const wire::DesiredState& desired) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  wire::ApplyResponse response;
  return agent_->Apply(&context, desired, &response);
}

std::string Bed::trace(wire::TraceFormat format, std::uint32_t seconds) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  wire::TraceRequest request;
  request.set_format(format);
  request.set_seconds(seconds);
  const auto stream = agent_->Trace(&context, request);
  std::string text;
  for (wire::TraceChunk chunk; stream->Read(&chunk);) text += chunk.text();
  const grpc::Status status = stream->Finish();
  if (!status.ok()) throw std::runtime_error("Trace: " + status.error_message());
  return text;
}

wire::ObservedState Bed::waitFor(const std::function<bool(const wire::ObservedState&)>& wanted) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kObservedPatience);
  wire::WatchRequest request;
  request.set_interval_ms(100);
  const auto stream = agent_->Watch(&context, request);
  wire::ObservedState state;
  while (stream->Read(&state)) {
    if (!wanted(state)) continue;
    context.TryCancel();
    return state;
  }
  throw std::runtime_error("never observed; last: " + state.ShortDebugString());
}

void Bed::serve(const wire::DesiredState& desired) {
  const grpc::Status status = apply(desired);
  if (!status.ok()) throw std::runtime_error("Apply: " + status.error_message());
  waitFor([&](const wire::ObservedState& state) {
    if (state.applied_generation() != desired.generation()) return false;
    for (const auto& task : desired.tasks()) {
      if (!serves(state, task.name())) return false;
    }
    return true;
  });
}

Bed::Inferred Bed::infer(const inference::ModelInferRequest& request, std::chrono::milliseconds timeout) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  Inferred inferred;
  inferred.status = client_->ModelInfer(&context, request, &inferred.response);
  return inferred;
}

inference::GRPCInferenceService::Stub& Bed::client() {
  return *client_;
}

// ---- Values ----

wire::DesiredTask& addTask(wire::DesiredState& desired, const std::string& name, const std::string& digest) {
  wire::DesiredTask& task = *desired.add_tasks();
  task.set_uid("uid-" + name);
  task.set_namespace_("default");
  task.set_name(name);
  task.set_epoch(1);
  task.set_model_digest(digest);
  task.set_gpu_uuid("cpu-0");
  task.set_priority(wire::PRIORITY_LOW);
  task.set_period_us(20'000);
  task.set_deadline_us(20'000);
  task.set_release(wire::RELEASE_PERIODIC);
  task.set_batch_size(1);
  task.set_late_jobs(wire::LATE_JOBS_FINISH);
  return task;
}

const wire::ObservedTask* find(const wire::ObservedState& state, const std::string& name) {
  for (const auto& task : state.tasks()) {
    if (task.uid() == "uid-" + name) return &task;
  }
  return nullptr;
}

bool serves(const wire::ObservedState& state, const std::string& name) {
  const wire::ObservedTask* task = find(state, name);
  return task != nullptr && task->phase() == wire::TASK_PHASE_SERVING;
}

std::vector<float> pixels(unsigned seed) {
  std::vector<float> values(3 * 16 * 16);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i * (seed + 1)));
  return values;
}

inference::ModelInferRequest chainRequest(const std::string& model, unsigned seed) {
  inference::ModelInferRequest request;
  request.set_model_name(model);
  request.set_id("request-" + std::to_string(seed));
  auto& input = *request.add_inputs();
  input.set_name("image");
  input.set_datatype("FP32");
  for (const int size : {1, 3, 16, 16}) input.add_shape(size);
  const auto values = pixels(seed);
  request.add_raw_input_contents(values.data(), values.size() * sizeof(float));
  return request;
}

}  // namespace daris::test
