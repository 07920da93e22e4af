#include "gpu/scheduled_load.hpp"

#include <poll.h>

#include <algorithm>
#include <cmath>
#include <future>
#include <stdexcept>

#include "runtime/dispatcher.hpp"

namespace daris::bench {
namespace {

constexpr std::size_t kRingRecords = 1 << 19;
constexpr DurationUs kLongestTailUs = 200'000;
constexpr int kEventsMs = 1;
constexpr double kGoldenShare = 0.6180339887498949;

/// A dispatcher with its tasks, for one run.
class Load {
 public:
  Load(engine::Engine& engine, const LoadTerms& terms)
      : terms_(terms), dispatcher_(engine, clock_, events_, ring_, {.core = terms.core}) {
    const auto entered = std::make_shared<std::promise<void>>();
    std::promise<std::optional<std::string>> divided;
    divided.set_value(std::nullopt);
    dispatcher_.post(runtime::Repartition{terms.partition, terms.policy, engine.device().units, entered,
                                          divided.get_future().share()});
    entered->get_future().wait();
  }

  void lend(std::vector<Slots>& slots) {
    classes_ = slots.size();
    for (std::size_t i = 0; i < classes_; ++i) {
      const std::uint32_t batch = slots[i].front()->batches().front();
      dispatcher_.post(
          runtime::AddSlots{static_cast<sched::ClassId>(i), batch, std::move(slots[i]), nullptr});
      slots[i].clear();
    }
  }

  /// High tasks first, as Algorithm 1 places them.
  void start() {
    std::vector<std::uint32_t> order;
    for (const sched::Priority priority : {sched::Priority::High, sched::Priority::Low}) {
      for (std::uint32_t i = 0; i < terms_.groups.size(); ++i) {
        if (terms_.groups[i].plan.priority == priority) order.insert(order.end(), terms_.groups[i].tasks, i);
      }
    }
    journal_ = std::make_unique<Journal>(ring_, order, terms_.most_releases);
    for (const std::uint32_t group : order) add(terms_.groups[group]);
  }

  void pump_until(const std::function<bool()>& done) {
    while (!done()) {
      take_events();
      ::poll(nullptr, 0, kEventsMs);
    }
  }

  [[nodiscard]] TimeUs now_us() const { return clock_.steadyUs(); }

  /// Some time longer: what was released in the last window shall not end on a GPU that grows idle.
  [[nodiscard]] DurationUs tail_us() const {
    DurationUs longest = 0;
    for (const TaskGroup& group : terms_.groups) longest = std::max(longest, group.period_us);
    return std::min(longest, kLongestTailUs);
  }

  [[nodiscard]] Served stop(std::vector<Slots>& slots) {
    for (std::uint32_t i = 0; i < statistics_.size(); ++i) dispatcher_.post(runtime::RemoveTask{i + 1});
    while (ended_ < statistics_.size()) await_events();
    returned_.resize(classes_);
    for (std::size_t i = 0; i < classes_; ++i)
      dispatcher_.post(runtime::RetireClass{static_cast<sched::ClassId>(i)});
    while (retired_ < classes_) await_events();
    slots = std::move(returned_);
    journal_->finish();
    std::uint64_t released = 0;
    for (const auto& each : statistics_) released += each->jobs().released;
    Served served;
    served.omitted = released - std::min<std::uint64_t>(released, journal_->releases().size());
    served.journal = std::move(journal_);
    return served;
  }

 private:
  /// Releases lie between each other in a pattern that is even, yet repeats in no task's period.
  [[nodiscard]] DurationUs offset_of(const TaskGroup& group) const {
    const DurationUs period = group.period_us;
    if (group.plan.asleep) return (clock_.wallUs() + period / 2) % period;
    const double turns = static_cast<double>(statistics_.size() + 1) * kGoldenShare;
    const auto offset = static_cast<DurationUs>((turns - std::floor(turns)) * static_cast<double>(period));
    return std::min(offset, period - 1);
  }

  void add(const TaskGroup& group) {
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
  runtime::Channel<runtime::Event> events_{4096};
  trace::Ring ring_{kRingRecords};
  std::vector<std::shared_ptr<runtime::TaskStatistics>> statistics_;  // by order
  std::size_t classes_ = 0;
  std::size_t ended_ = 0;
  std::size_t retired_ = 0;
  std::vector<Slots> returned_;
  std::unique_ptr<Journal> journal_;
  runtime::Dispatcher dispatcher_;  // last: its thread uses what stands before
};

}  // namespace

Served serve(engine::Engine& engine, std::vector<Slots>& slots, const LoadTerms& terms,
             const During& during) {
  Load load(engine, terms);
  load.lend(slots);
  load.start();
  std::future<std::vector<Window>> windows = std::async(std::launch::async, during);
  load.pump_until([&] { return windows.wait_for(std::chrono::seconds(0)) == std::future_status::ready; });
  std::vector<Window> looked_at = windows.get();
  const TimeUs until = load.now_us() + load.tail_us();
  load.pump_until([&] { return load.now_us() >= until; });
  Served served = load.stop(slots);
  served.windows = std::move(looked_at);
  return served;
}

}  // namespace daris::bench
