#include "gpu/scheduled_load.hpp"

#include <poll.h>

#include <algorithm>
#include <future>
#include <stdexcept>

#include "gpu/journal.hpp"
#include "runtime/dispatcher.hpp"

namespace daris::bench {
namespace {

constexpr int kEventsMs = 1;

/// A dispatcher with its tasks, for one run.
class Load {
 public:
  Load(engine::Engine& engine, trace::Ring& ring, const LoadTerms& terms)
      : terms_(terms), ring_(ring), dispatcher_(engine, clock_, events_, ring_, {.core = terms.core}) {
    const auto entered = std::make_shared<std::promise<void>>();
    std::promise<std::optional<std::string>> divided;
    divided.set_value(std::nullopt);
    dispatcher_.post(runtime::Repartition{terms.partition, terms.policy, engine.device().units, entered,
                                          divided.get_future().share()});
    entered->get_future().wait();
  }

  void lend(std::vector<Slots>& slots) {
    classes_ = slots.size();
    for (std::size_t i = 0; i < terms_.capacities.size(); ++i)
      if (!terms_.capacities[i].empty())
        dispatcher_.post(runtime::SetCapacities{static_cast<sched::ClassId>(i), terms_.capacities[i]});
    for (std::size_t i = 0; i < classes_; ++i) {
      const std::uint32_t batch = slots[i].front()->batches().front();
      dispatcher_.post(
          runtime::AddSlots{static_cast<sched::ClassId>(i), batch, std::move(slots[i]), nullptr});
      slots[i].clear();
    }
  }

  /// High tasks first, as Algorithm 1 places them.
  void start() {
    const std::vector<std::uint32_t> order = high_first(terms_.groups);
    journal_ = std::make_unique<Journal>(ring_, order, terms_.most_releases);
    std::vector<std::size_t> added(terms_.groups.size(), 0);
    for (const std::uint32_t group : order) add(terms_.groups[group], added[group]++);
  }

  void pump_until(const std::function<bool()>& done) {
    while (!done()) {
      take_events();
      ::poll(nullptr, 0, kEventsMs);
    }
  }

  [[nodiscard]] TimeUs now_us() const { return clock_.steadyUs(); }

  [[nodiscard]] Served stop(std::vector<Slots>& slots) {
    for (std::uint32_t i = 0; i < statistics_.size(); ++i) dispatcher_.post(runtime::RemoveTask{i + 1});
    while (ended_ < statistics_.size()) await_events();
    returned_.resize(classes_);
    for (std::size_t i = 0; i < classes_; ++i)
      dispatcher_.post(runtime::RetireClass{static_cast<sched::ClassId>(i)});
    while (retired_ < classes_) await_events();
    slots = std::move(returned_);
    Served served{.samples = journal_->finish(), .windows = {}};
    std::uint64_t released = 0;
    for (const auto& each : statistics_) released += each->jobs().released;
    served.omitted = released - std::min<std::uint64_t>(released, served.samples.releases.size());
    return served;
  }

 private:
  [[nodiscard]] DurationUs offset_of(const TaskGroup& group) const {
    const DurationUs period = group.period_us;
    if (group.plan.asleep) return (clock_.wallUs() + period / 2) % period;
    return release_offset(statistics_.size() + 1, period);
  }

  void add(const TaskGroup& group, std::size_t nth) {
    const std::size_t index = statistics_.size();
    sched::TaskSpec spec;
    spec.priority = group.plan.priority;
    spec.periodUs = spec.deadlineUs = group.period_us;
    spec.afetUs = group.afet_us;
    spec.classId = group.plan.class_index;
    spec.order = index;
    if (group.plan.context) spec.context = sched::ContextRef{0, *group.plan.context};
    const DurationUs offset = offset_of(group);
    statistics_.push_back(std::make_shared<runtime::TaskStatistics>());
    dispatcher_.post(runtime::AddTask{index + 1,
                                      {spec, offset},
                                      std::make_shared<const std::string>("bench/" + std::to_string(index)),
                                      statistics_.back()});
    if (!group.inputs.empty()) bring(index + 1, group.inputs[nth]);
  }

  /// The task computes on this from now on.
  void bring(runtime::InstanceId instance, std::shared_ptr<engine::JobMemory> memory) {
    auto request = std::make_shared<runtime::Request>();
    request->sequence = instance;
    request->instance = instance;
    request->memory = std::move(memory);
    dispatcher_.post(std::move(request));
  }

  void await_events() {
    pollfd waiting{.fd = events_.fd(), .events = POLLIN, .revents = 0};
    (void)::poll(&waiting, 1, -1);
    take_events();
  }

  void take_events() {
    events_.clear();
    while (auto event = events_.tryReceive()) {
      if (std::holds_alternative<runtime::TaskEnded>(*event)) ++ended_;
      if (auto* retired = std::get_if<runtime::ClassRetired>(&*event)) {
        returned_[retired->classId] = std::move(retired->contents.slots);
        ++retired_;
      }
      if (auto* refused = std::get_if<runtime::TaskRefused>(&*event))
        throw std::runtime_error("the scheduler takes no such task: " + refused->message);
    }
  }

  const LoadTerms& terms_;
  runtime::SystemClock clock_;
  // Room for the answer to every task's input: nobody takes events while tasks are added.
  runtime::Channel<runtime::Event> events_{1 << 15};
  trace::Ring& ring_;
  std::vector<std::shared_ptr<runtime::TaskStatistics>> statistics_;  // by order
  std::size_t classes_ = 0;
  std::size_t ended_ = 0;
  std::size_t retired_ = 0;
  std::vector<Slots> returned_;
  std::unique_ptr<Journal> journal_;
  runtime::Dispatcher dispatcher_;  // last: its thread uses what stands before
};

}  // namespace

Served serve(engine::Engine& engine, trace::Ring& ring, std::vector<Slots>& slots, const LoadTerms& terms,
             const During& during) {
  Load load(engine, ring, terms);
  load.lend(slots);
  load.start();
  std::future<std::vector<Window>> windows = std::async(std::launch::async, during);
  load.pump_until([&] { return windows.wait_for(std::chrono::seconds(0)) == std::future_status::ready; });
  std::vector<Window> looked_at = windows.get();
  const TimeUs until = load.now_us() + tail_us(terms.groups);
  load.pump_until([&] { return load.now_us() >= until; });
  Served served = load.stop(slots);
  served.windows = std::move(looked_at);
  return served;
}

}  // namespace daris::bench
