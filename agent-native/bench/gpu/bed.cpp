#include "gpu/bed.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "gpu/beside.hpp"

namespace daris::bench {
namespace {

using nlohmann::json;

constexpr std::int64_t kWarmUpUs = 200'000;
constexpr double kLoadingSeconds = 60;  // room in the journal while another model is loaded

void pin_to(std::uint32_t core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  if (::pthread_setaffinity_np(::pthread_self(), sizeof set, &set) != 0)
    throw std::runtime_error("cannot run on core " + std::to_string(core));
}

/// On a thread of its own, as a dispatcher would be. Throws what the work throws.
template <typename Work>
void on_core(std::uint32_t core, Work work) {
  std::exception_ptr failure;
  std::thread([&] {
    try {
      pin_to(core);
      work();
    } catch (const std::exception&) {
      failure = std::current_exception();
    }
  }).join();
  if (failure) std::rethrow_exception(failure);
}

/// Other bytes in each slot, of values that any network takes: halves from 0.125 to 0.5.
void fill_inputs(engine::Slot& slot, std::size_t inputs, std::uint32_t seed) {
  constexpr std::size_t kHalfBytes = 2;
  for (std::size_t i = 0; i < inputs; ++i) {
    const auto bytes = slot.input(i);
    for (std::size_t at = 0; at + 1 < bytes.size(); at += kHalfBytes) {
      const auto half = static_cast<std::uint16_t>(0x3000 + (at * 7 + seed * 131) % 0x0800);
      bytes[at] = static_cast<std::byte>(half & 0xFF);
      bytes[at + 1] = static_cast<std::byte>(half >> 8);
    }
  }
}

}  // namespace

Bed::Bed(WatchedEngine& engine, Models& models, const BedPlan& plan, std::uint32_t core)
    : engine_(engine), plan_(plan), core_(core) {
  const std::int64_t from = clock_.steadyUs();
  engine_.partition(plan.partition);
  const bool serves = std::ranges::any_of(
      plan.runs, [](const RunPlan& run) { return std::holds_alternative<LoadPlan>(run.work); });
  for (const ClassPlan& each : plan.classes) {
    Class made{.plan = each, .model = models.of(each.package)};
    made.stages = static_cast<std::uint32_t>(made.model->manifest().stages.size());
    if (serves) made.afet_us = engine_.measure(made.model, each.batch, plan.repetitions, {});
    classes_.push_back(std::move(made));
  }
  make_slots();
  prepared_us_ = clock_.steadyUs() - from;
}

Bed::~Bed() {
  engine_.forget_slots();
}

void Bed::make_slots() {
  for (const Class& each : classes_) {
    Slots& slots = slots_.emplace_back();
    for (std::uint32_t context = 0; context < plan_.partition.contexts; ++context) {
      for (std::uint32_t i = 0; i < plan_.partition.streams_per_context * each.plan.slots_per_stream; ++i) {
        slots.push_back(engine_.create_slot(each.model, context, {each.plan.batch}));
        engine_.attend(*slots.back(), each.stages);
      }
    }
  }
}

json Bed::description() const {
  json contexts = json::array();
  for (const engine::Context& context : engine_.contexts()) contexts.push_back(context.units);
  json classes = json::array();
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    const Class& each = classes_[i];
    json remarks = json::array();
    for (const std::string& remark : slots_[i].front()->remarks()) remarks.push_back(remark);
    classes.push_back({{"model", each.model->manifest().name},
                       {"batch", each.plan.batch},
                       {"stages", each.stages},
                       {"afetUs", each.afet_us},
                       {"slots", slots_[i].size()},
                       {"slotMiB", slots_[i].front()->memory_bytes() >> 20},
                       {"modelMiB", each.model->memory_bytes() >> 20},
                       {"remarks", remarks}});
  }
  return {{"bed", plan_.name},
          {"preparedS", static_cast<double>(prepared_us_) / 1e6},
          {"partition",
           {{"mode", word_of(plan_.partition.mode)},
            {"contexts", plan_.partition.contexts},
            {"streamsPerContext", plan_.partition.streams_per_context},
            {"oversubscription", plan_.partition.oversubscription},
            {"sms", contexts}}},
          {"classes", classes}};
}

json Bed::run(const RunPlan& run) {
  if (const auto* bare = std::get_if<BarePlan>(&run.work)) return run_bare(*bare, run.name);
  return run_load(std::get<LoadPlan>(run.work));
}

// ---- The bare loop ----

/// Others wait at the same gate, each in a process of its own: what all do in one window of the clock counts.
Window Bed::window_of(const BarePlan& plan, const std::string& name) const {
  if (plan.gate) {
    std::cout << json{{"ready", name}}.dump() << std::endl;
    Window window;
    if (!(std::cin >> window.from_us >> window.to_us))
      throw std::runtime_error("the gate was closed: no window came by stdin");
    return window;
  }
  const std::int64_t from = clock_.steadyUs() + kWarmUpUs;
  return {.name = name, .from_us = from, .to_us = from + static_cast<std::int64_t>(plan.seconds * 1e6)};
}

json Bed::run_bare(const BarePlan& plan, const std::string& name) {
  Class& driven = classes_[plan.class_index];
  const Window window = window_of(plan, name);
  engine_.watch(window.from_us, window.to_us);
  on_core(core_, [&] { bench::run_bare(engine_, slots_[plan.class_index], driven.stages, window.to_us); });
  const double seconds = static_cast<double>(window.to_us - window.from_us) / 1e6;
  driven.bare_rate = std::round(static_cast<double>(engine_.jobs()) / seconds);
  json figures{{"class", plan.class_index},
               {"jobsPerS", driven.bare_rate},
               {"elementsPerS", driven.bare_rate * driven.plan.batch},
               {"jobUs", spread(engine_.jobs_us())},
               {"failed", engine_.failed()}};
  if (plan.samples) figures["samplesUs"] = engine_.jobs_us();
  return figures;
}

// ---- Tasks ----

TaskGroup Bed::group_of(const GroupPlan& plan) const {
  const Class& of = classes_[plan.class_index];
  TaskGroup group{.plan = plan, .afet_us = of.afet_us};
  if (plan.booked_us) {
    const DurationUs each = std::max<DurationUs>(*plan.booked_us / of.stages, 1);
    group.afet_us.assign(of.stages, each);
  }
  if (plan.times_bare && of.bare_rate <= 0)
    throw std::runtime_error("bed '" + plan_.name + "' runs no bare loop before a load that is told by it");
  const double rate = plan.rate.value_or(plan.times_bare.value_or(0) * of.bare_rate);
  const double period = plan.period_us ? static_cast<double>(*plan.period_us) : *plan.tasks * 1e6 / rate;
  group.period_us = std::max<DurationUs>(static_cast<DurationUs>(std::round(period)), 1);
  const double tasks = plan.tasks ? *plan.tasks : rate * static_cast<double>(group.period_us) / 1e6;
  group.tasks = std::max<std::uint32_t>(static_cast<std::uint32_t>(std::round(tasks)), 1);
  return group;
}

LoadTerms Bed::terms_of(const LoadPlan& plan) const {
  LoadTerms terms{.partition = plan_.partition, .core = core_};
  terms.policy.admission = plan.admission;
  terms.policy.mretAging = plan.mret_aging;
  double rate = 0;
  for (const GroupPlan& each : plan.groups) {
    terms.groups.push_back(group_of(each));
    rate += terms.groups.back().tasks * 1e6 / static_cast<double>(terms.groups.back().period_us);
  }
  constexpr double kLooks = 2;  // before and after
  constexpr double kMore = 1;   // warm-up and what follows
  const double seconds = plan.beside ? kLooks * plan.seconds + kLoadingSeconds : plan.seconds;
  constexpr std::size_t kSpare = 1000;
  terms.most_releases = static_cast<std::size_t>(rate * (seconds + kMore)) + kSpare;
  return terms;
}

void Bed::expect_outputs() {
  for (std::size_t of = 0; of < slots_.size(); ++of) {
    const std::size_t inputs = classes_[of].model->manifest().inputs.size();
    for (std::size_t i = 0; i < slots_[of].size(); ++i) {
      engine::Slot& slot = *slots_[of][i];
      fill_inputs(slot, inputs, static_cast<std::uint32_t>(i));
      on_core(core_, [&] { run_alone(engine_, slot, classes_[of].stages); });
      engine_.expect_outputs(slot);
    }
  }
}

json Bed::run_load(const LoadPlan& plan) {
  const LoadTerms terms = terms_of(plan);
  if (plan.compare) expect_outputs();
  engine_.watch(clock_.steadyUs(), INT64_MAX);
  json figures = serve_load(plan, terms);
  engine_.expect_nothing();
  figures["admission"] = plan.admission == sched::Admission::Predicted ? "Predicted" : "Utilization";
  figures["jobUs"] = spread(engine_.jobs_us());
  figures["failed"] = engine_.failed();
  figures["compared"] = engine_.compared();
  figures["different"] = engine_.different();
  return figures;
}

json Bed::serve_load(const LoadPlan& plan, const LoadTerms& terms) {
  const Served served = serve(engine_, slots_, terms, [&] {
    return plan.beside
               ? load_beside(engine_, *plan.beside, plan_.repetitions, plan.warm_up_seconds, plan.seconds)
               : look_on(plan.warm_up_seconds, plan.seconds);
  });
  json figures{{"omitted", served.omitted}, {"groups", json::array()}, {"windows", json::array()}};
  std::vector<std::uint32_t> batches;
  for (const TaskGroup& group : terms.groups) {
    batches.push_back(classes_[group.plan.class_index].plan.batch);
    figures["groups"].push_back({{"priority", group.plan.priority == sched::Priority::High ? "High" : "Low"},
                                 {"class", group.plan.class_index},
                                 {"tasks", group.tasks},
                                 {"periodUs", group.period_us}});
  }
  for (const Window& window : served.windows)
    figures["windows"].push_back(window_figures(*served.journal, plan.groups, batches, window));
  return figures;
}

}  // namespace daris::bench
