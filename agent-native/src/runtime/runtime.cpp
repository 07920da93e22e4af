#include "runtime/runtime.hpp"

#include <random>

#include "runtime/error.hpp"

namespace daris::runtime {

namespace {

constexpr std::size_t kEventCapacity = 16384;  // more than all requests and tasks in memory bring at once

std::string randomId() {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::random_device random;
  std::string id(32, '0');
  for (char& digit : id) digit = kDigits[random() % 16];
  return id;
}

/// Counts a thread for as long as it is inside.
class Entry {
 public:
  explicit Entry(std::atomic<int>& inside) : inside_(inside) { ++inside_; }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  ~Entry() { --inside_; }

 private:
  std::atomic<int>& inside_;
};

}  // namespace

Runtime::Runtime(engine::Engine& engine, const Clock& clock, RuntimeOptions options)
    : engine_(engine),
      clock_(clock),
      options_(std::move(options)),
      instanceId_(randomId()),
      requests_(std::make_shared<std::atomic<std::int64_t>>(0)),
      ring_(options_.traceRecords),
      events_(kEventCapacity),
      dispatcher_(engine, clock, events_, ring_, {.core = options_.dispatcherCore, .alive = options_.alive}),
      loader_(clock),
      control_(engine, clock, dispatcher_, loader_, names_, {options_.modelRoot, options_.slotMemoryBytes}),
      responder_(events_, control_) {}

Runtime::~Runtime() {
  drain();
  loader_.stop();  // its jobs know the control, which ends before it
}

ServedTask Runtime::find(std::string_view name) const {
  const auto table = control_.serving();
  const auto found = table->find(name);
  if (found == table->end()) {
    throw NotFound("no task '" + std::string(name) + "' is served here; model names are TASK.NAMESPACE");
  }
  return found->second;
}

ServedTask Runtime::serving(std::string_view name) const {
  ServedTask task = find(name);
  if (task.phase == TaskPhase::Refused)
    throw NotFound("task '" + task.name + "' is not served: " + task.message);
  if (!task.model) throw Unavailable("task '" + task.name + "' is being loaded");
  return task;
}

std::shared_ptr<engine::JobMemory> Runtime::jobMemory(const ServedTask& task) {
  try {
    return engine_.create_job_memory(*task.model, task.batch);
  } catch (const engine::EngineError& error) {
    throw Exhausted("no memory for a request of task '" + task.name + "': " + error.what() +
                    "; send fewer requests at once");
  }
}

void Runtime::submit(RequestPtr request) {
  // Counted before the look at stopping_, so that drain() can wait for those who did not see it.
  const Entry entry(submitting_);
  if (stopping_) throw Unavailable("the runtime is stopping");
  request->permit = std::shared_ptr<void>(nullptr, [count = requests_](void*) { --*count; });
  if (++*requests_ > kMaxRequests) {
    throw Exhausted("more than " + std::to_string(kMaxRequests) + " requests wait; send fewer at once");
  }
  request->sequence = sequence_++;
  if (!dispatcher_.trySubmit(std::move(request))) {
    throw Exhausted("the dispatcher's queue is full; send fewer requests at once");
  }
}

void Runtime::abandon(Request& request) {
  request.abandoned = true;  // seen where the request is still on its way
  (void)dispatcher_.tryWithdraw({request.instance, request.sequence});
}

std::unique_ptr<trace::Export> Runtime::trace(std::uint32_t seconds, trace::Format format) const {
  const TimeUs now = clock_.steadyUs();
  trace::Extract extract = ring_.readSince(seconds == 0 ? INT64_MIN : now - TimeUs{seconds} * 1'000'000);
  // Names after records: a task that a record speaks of has had its name before.
  return std::make_unique<trace::Export>(
      std::move(extract), names_.labels(),
      trace::Origin{instanceId_, options_.version, now, clock_.wallUs() - now}, format);
}

bool Runtime::ready() const {
  return !stopping_ && control_.ready();
}

void Runtime::drain() {
  stopping_ = true;
  while (submitting_ > 0) ::poll(nullptr, 0, 1);
  dispatcher_.drain();
  responder_.stop();
}

}  // namespace daris::runtime
