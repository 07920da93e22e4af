#include "engine/workers/worker_engine.hpp"

#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <chrono>
#include <future>
#include <mutex>

#include "engine/refusals.hpp"
#include "engine/workers/measure.hpp"
#include "engine/workers/remote_slot.hpp"
#include "engine/workers/team_calls.hpp"

namespace daris::engine::workers {
namespace {

using nlohmann::json;

constexpr auto kReapPatience = std::chrono::seconds(2);
constexpr int kStartMs = 120'000;            // loading a framework from a cold disk takes long
constexpr std::int64_t kLiveUs = 1'000'000;  // a device on which nothing was launched for so long is idle
constexpr std::int64_t kNeverUs = INT64_MIN / 2;

std::int64_t now_us() {
  using std::chrono::steady_clock;
  return std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now().time_since_epoch())
      .count();
}

/// What runs on a stream.
struct InFlight {
  Launch launch{};
  std::int64_t started_us = 0;
  bool busy = false;
};

enum class Phase { Starting, Serving, Ended };

class WorkerEngine : public Engine {
 public:
  WorkerEngine(WorkerTerms terms, const Partitioning& wanted);
  ~WorkerEngine() override;

  [[nodiscard]] const Device& device() const override { return terms_.device; }
  void partition(const Partitioning&) override {
    throw std::logic_error("the partitioning of worker processes is theirs for life");
  }
  [[nodiscard]] const std::vector<Context>& contexts() const override { return contexts_; }
  [[nodiscard]] std::shared_ptr<const LoadedModel> load(const model::Package& package,
                                                        std::stop_token stop) override;
  [[nodiscard]] std::vector<std::int64_t> measure(const std::shared_ptr<const LoadedModel>& model,
                                                  std::uint32_t batch, std::uint32_t repetitions,
                                                  std::stop_token stop) override;
  [[nodiscard]] std::unique_ptr<Slot> create_slot(const std::shared_ptr<const LoadedModel>& model,
                                                  std::uint32_t context,
                                                  const std::vector<std::uint32_t>& batches) override;
  [[nodiscard]] std::shared_ptr<JobMemory> create_job_memory(const LoadedModel& model,
                                                             std::uint32_t batch) override {
    return make_heap_job_memory(model.manifest(), batch);
  }
  void launch(const Launch& launch) noexcept override;
  void listen(CompletionListener*) noexcept override {}  // see polled()
  [[nodiscard]] bool polled() const noexcept override { return true; }
  [[nodiscard]] std::size_t poll(std::span<Completion> completions) noexcept override;

 private:
  void retire();
  void start(const Partitioning& wanted);
  void greet();
  [[nodiscard]] std::string first_fault(const std::exception& error);
  [[nodiscard]] bool live() const {
    return now_us() - launched_us_.load(std::memory_order_relaxed) < kLiveUs;
  }
  [[nodiscard]] bool take(std::uint32_t context, Completion& completion) noexcept;
  void end_over(std::size_t context, const std::string& how);
  void end_over_nonsense(std::uint32_t context) noexcept;

  WorkerTerms terms_;
  std::vector<Context> contexts_;
  std::shared_ptr<WorkerTeam> team_ = std::make_shared<WorkerTeam>();
  std::atomic<std::uint64_t> models_made_{0};
  std::atomic<std::int64_t> launched_us_{kNeverUs};
  std::mutex measuring_;  // guards the measuring rings of all workers
  // Whose dispatches alone.
  std::vector<std::vector<InFlight>> in_flight_;  // by context, then stream
  std::size_t running_ = 0;
  std::atomic<Phase> phase_{Phase::Starting};
  std::promise<std::string> fault_;       // set where one ends before it serves
  std::unique_ptr<Processes> processes_;  // last: its thread uses what is above
};

WorkerEngine::WorkerEngine(WorkerTerms terms, const Partitioning& wanted) : terms_(std::move(terms)) {
  const std::uint32_t units = sms_per_context(terms_.device.units, wanted);
  if (wanted.streams_per_context > kMostStreams) {
    throw std::invalid_argument(std::to_string(wanted.streams_per_context) +
                                " streams in a context; at most " + std::to_string(kMostStreams) +
                                " can be had where it is a process");
  }
  contexts_.assign(wanted.contexts, {.units = units, .streams = wanted.streams_per_context});
  in_flight_.assign(wanted.contexts, std::vector<InFlight>(wanted.streams_per_context));
  try {
    start(wanted);
    greet();
    Phase starting = Phase::Starting;
    if (!phase_.compare_exchange_strong(starting, Phase::Serving)) throw std::runtime_error("one has ended");
  } catch (const std::exception& error) {
    const std::string why = first_fault(error);
    retire();
    throw std::invalid_argument("processes for " + std::to_string(wanted.contexts) +
                                " contexts cannot be had: " + why);
  }
}

WorkerEngine::~WorkerEngine() {
  retire();
}

/// Returns when no worker is left.
void WorkerEngine::retire() {
  if (processes_) processes_->expect_end();
  {
    const std::scoped_lock lock(team_->calls);
    for (WorkerLink& link : team_->links) link.end();
  }
  processes_.reset();
}

void WorkerEngine::start(const Partitioning& wanted) {
  std::vector<Command> commands;
  for (std::uint32_t k = 0; k < wanted.contexts; ++k) {
    auto [ours, theirs] = Channel::make_ends();
    SharedMemory mailbox(sizeof(Mailbox));
    Command command = terms_.command(contexts_[k].units, wanted.streams_per_context);
    command.descriptors.push_back(std::move(theirs));
    command.descriptors.emplace_back(::fcntl(mailbox.fd(), F_DUPFD_CLOEXEC, 0));
    commands.push_back(std::move(command));
    team_->links.emplace_back(std::move(ours), std::move(mailbox));
  }
  processes_ = std::make_unique<Processes>(
      std::move(commands), [this](std::size_t context, const std::string& how) { end_over(context, how); });
}

/// Waits until all are ready, and takes down what they have.
void WorkerEngine::greet() {
  for (std::size_t k = 0; k < contexts_.size(); ++k) {
    const json ready = team_->links[k].first_answer(kStartMs);
    const std::uint32_t wanted = contexts_[k].units;
    ready.at("units").get_to(contexts_[k].units);
    if (contexts_[k].units != wanted) contexts_[k].wanted = wanted;
  }
}

/// On the thread that watches the processes.
void WorkerEngine::end_over(std::size_t context, const std::string& how) {
  const std::string words = team_->links[context].last_words();
  const std::string report =
      "the process of context " + std::to_string(context) + " " + how + (words.empty() ? "" : ": " + words);
  if (phase_.exchange(Phase::Ended) == Phase::Serving) return terms_.lost(report);
  fault_.set_value(report);
}

/// Why no worker serves: where one has ended, how, which whoever watches the processes finds a moment later.
std::string WorkerEngine::first_fault(const std::exception& error) {
  const auto* const refusal = dynamic_cast<const EngineError*>(&error);
  if (refusal == nullptr || refusal->reason() != "WorkerLost") return error.what();
  auto fault = fault_.get_future();
  return fault.wait_for(kReapPatience) == std::future_status::ready ? fault.get() : error.what();
}

/// A worker wrote into its rings what none writes: its memory is not to be trusted any more.
void WorkerEngine::end_over_nonsense(std::uint32_t context) noexcept {
  terms_.lost("the process of context " + std::to_string(context) + " has damaged its rings");
}

std::shared_ptr<const LoadedModel> WorkerEngine::load(const model::Package& package, std::stop_token stop) {
  check_not_stopped(stop);
  return std::make_shared<const RemoteModel>(team_, ++models_made_, package, stop);
}

std::vector<std::int64_t> WorkerEngine::measure(const std::shared_ptr<const LoadedModel>& model,
                                                std::uint32_t batch, std::uint32_t repetitions,
                                                std::stop_token stop) {
  check_not_stopped(stop);
  const std::scoped_lock lock(measuring_);
  // On a live device the live streams are the busy ones, and one more is all that they should bear.
  const bool one = live();
  const std::uint32_t contexts = one ? 1 : static_cast<std::uint32_t>(contexts_.size());
  const std::uint32_t streams = one ? 1 : contexts_.front().streams;
  const auto remote = std::static_pointer_cast<const RemoteModel>(model);
  std::vector<std::unique_ptr<RemoteSlot>> slots;
  for (std::uint32_t i = 0; i < contexts * streams; ++i) {
    check_not_stopped(stop);
    slots.push_back(std::make_unique<RemoteSlot>(team_, remote, i / streams, std::vector{batch}));
  }
  const MeasureTerms terms{.streams_per_context = streams,
                           .stages = static_cast<std::uint32_t>(model->manifest().stages.size()),
                           .repetitions = repetitions};
  return mean_stage_us(*team_, slots, terms, stop);
}

std::unique_ptr<Slot> WorkerEngine::create_slot(const std::shared_ptr<const LoadedModel>& model,
                                                std::uint32_t context,
                                                const std::vector<std::uint32_t>& batches) {
  assert(context < contexts_.size());
  return std::make_unique<RemoteSlot>(team_, std::static_pointer_cast<const RemoteModel>(model), context,
                                      batches);
}

void WorkerEngine::launch(const Launch& launch) noexcept {
  const auto& slot = static_cast<const RemoteSlot&>(*launch.slot);
  const std::int64_t now = now_us();
  launched_us_.store(now, std::memory_order_relaxed);
  InFlight& stream = in_flight_[slot.context()][launch.stream];
  assert(!stream.busy);
  stream = {.launch = launch, .started_us = now, .busy = true};
  ++running_;
  Mailbox& mailbox = team_->links[slot.context()].mailbox();
  const bool has_room = mailbox.serving.launches.push({.slot = slot.word(),
                                                       .stage = launch.stage,
                                                       .stream = launch.stream,
                                                       .urgency = launch.urgency,
                                                       .form = launch.form});
  if (!has_room) end_over_nonsense(slot.context());
  mailbox.doorbell.ring();
}

std::size_t WorkerEngine::poll(std::span<Completion> completions) noexcept {
  std::size_t count = 0;
  if (running_ == 0) return count;
  for (std::uint32_t context = 0; context < contexts_.size(); ++context) {
    while (count < completions.size() && take(context, completions[count])) ++count;
  }
  return count;
}

bool WorkerEngine::take(std::uint32_t context, Completion& completion) noexcept {
  const auto end = team_->links[context].mailbox().serving.ends.pop();
  if (!end) return false;
  auto& streams = in_flight_[context];
  if (end->stream >= streams.size() || !streams[end->stream].busy) {
    end_over_nonsense(context);
    return false;
  }
  InFlight& stream = streams[end->stream];
  const Launch& launch = stream.launch;
  completion = {.slot = launch.slot,
                .tag = launch.tag,
                .context = context,
                .stage = launch.stage,
                .stream = launch.stream,
                .started_us = stream.started_us,
                .finished_us = std::max(end->finished_us, stream.started_us),
                .error = end->failed != 0 ? static_cast<const RemoteSlot*>(launch.slot)->error() : nullptr};
  stream.busy = false;
  --running_;
  return true;
}

}  // namespace

std::unique_ptr<Engine> make_engine(WorkerTerms terms, const Partitioning& partitioning) {
  return std::make_unique<WorkerEngine>(std::move(terms), partitioning);
}

}  // namespace daris::engine::workers
