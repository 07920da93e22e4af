#include "gpu/scheduled_load.hpp"

#include <poll.h>

#include <future>
#include <stdexcept>

namespace daris::bench {
namespace {

/// A dispatcher with its tasks, for one run.
class Load {
 public:
  Load(engine::Engine& engine, const engine::LoadedModel& model, const LoadTerms& terms)
      : model_(model), terms_(terms), dispatcher_(engine, clock_, events_, ring_, {.core = terms.core}) {
    const auto entered = std::make_shared<std::promise<void>>();
    std::promise<std::optional<std::string>> divided;
    divided.set_value(std::nullopt);
    dispatcher_.post(runtime::Repartition{
        terms.partition, {}, engine.device().units, entered, divided.get_future().share()});
    entered->get_future().wait();
  }

  void lend(Slots& slots) {
    auto sample = std::make_shared<runtime::SampleInputs>();
    for (std::size_t i = 0; i < model_.manifest().inputs.size(); ++i) {
      const auto holds = slots.front()->input(i);
      sample->emplace_back(holds.begin(), holds.end());
    }
    dispatcher_.post(runtime::AddSlots{0, std::move(slots), std::move(sample)});
    slots.clear();
  }

  void start() {
    for (std::uint32_t i = 0; i < terms_.tasks; ++i) {
      sched::TaskSpec spec;
      spec.priority = sched::Priority::High;  // never refused: what is not done is skipped, and counted so
      spec.periodUs = spec.deadlineUs = terms_.period_us;
      spec.afetUs.assign(model_.manifest().stages.size(), terms_.stage_us);
      spec.context = sched::ContextRef{0, i % terms_.partition.contexts};
      spec.order = i;
      statistics_.push_back(std::make_shared<runtime::TaskStatistics>());
      dispatcher_.post(runtime::AddTask{i + 1,
                                        {spec, terms_.period_us * i / terms_.tasks},
                                        std::make_shared<const std::string>("bench/" + std::to_string(i)),
                                        statistics_.back()});
    }
  }

  void sleep_until(std::int64_t until_us) {
    while (clock_.steadyUs() < until_us) {
      take_events();
      ::poll(nullptr, 0, 1);
    }
  }

  [[nodiscard]] LoadCounts stop(Slots& slots) {
    for (std::uint32_t i = 0; i < terms_.tasks; ++i) dispatcher_.post(runtime::RemoveTask{i + 1});
    while (ended_ < terms_.tasks) await_events();
    dispatcher_.post(runtime::RetireClass{0});
    while (returned_.empty()) await_events();
    slots = std::move(returned_);
    LoadCounts counts;
    for (const auto& each : statistics_) {
      counts.released += each->jobs().released;
      counts.skipped += each->jobs().skipped;
      counts.completed += each->jobs().completed;
      counts.failed += each->jobs().failed;
    }
    return counts;
  }

 private:
  void await_events() {
    pollfd waiting{.fd = events_.fd(), .events = POLLIN, .revents = 0};
    (void)::poll(&waiting, 1, -1);
    take_events();
  }

  void take_events() {
    events_.clear();
    while (auto event = events_.tryReceive()) {
      if (std::holds_alternative<runtime::TaskEnded>(*event)) ++ended_;
      if (auto* retired = std::get_if<runtime::ClassRetired>(&*event)) returned_ = std::move(retired->slots);
      if (auto* refused = std::get_if<runtime::TaskRefused>(&*event))
        throw std::runtime_error(refused->message);
    }
  }

  const engine::LoadedModel& model_;
  LoadTerms terms_;
  runtime::SystemClock clock_;
  runtime::Channel<runtime::Event> events_{4096};
  trace::Ring ring_{1 << 17};
  std::vector<std::shared_ptr<runtime::TaskStatistics>> statistics_;
  std::uint32_t ended_ = 0;
  Slots returned_;
  runtime::Dispatcher dispatcher_;
};

}  // namespace

LoadCounts run_scheduled(engine::Engine& engine, const engine::LoadedModel& model, Slots& slots,
                         const LoadTerms& terms, std::int64_t until_us) {
  Load load(engine, model, terms);
  load.lend(slots);
  load.start();
  load.sleep_until(until_us);
  return load.stop(slots);
}

}  // namespace daris::bench
