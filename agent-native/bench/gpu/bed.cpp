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
#include "gpu/queued_load.hpp"

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

/// Microseconds of a dispatcher's time a job; what it spends on polling in vain is left out.
json busy_figures(const BusyTime& busy, const json& window) {
  const double jobs = window.at("jobsPerS").get<double>() * window.at("seconds").get<double>();
  if (jobs <= 0) return nullptr;
  const auto us_a_job = [&](std::int64_t ns) {
    constexpr double kDigits = 1000;
    return std::round(kDigits * static_cast<double>(ns) / 1e3 / jobs) / kDigits;
  };
  return {{"busyUsPerJob", us_a_job(busy.worked_ns + busy.other_ns)},
          {"launchUsPerJob", us_a_job(busy.launch_ns)},
          {"otherUsPerJob", us_a_job(busy.other_ns)},
          {"rounds", busy.rounds}};
}

}  // namespace

Bed::Bed(WatchedEngine& engine, Models& models, const BedPlan& plan, std::uint32_t core)
    : engine_(engine), models_(models), plan_(plan), core_(core) {
  const std::int64_t from = clock_.steadyUs();
  engine_.partition(plan.partition);
  const bool serves = std::ranges::any_of(
      plan.runs, [](const RunPlan& run) { return std::holds_alternative<LoadPlan>(run.work); });
  for (const ClassPlan& each : plan.classes) {
    Class made{.plan = each, .model = models.of(each.package)};
    made.stages = static_cast<std::uint32_t>(made.model->manifest().stages.size());
    if (serves) measure(made, plan.repetitions);
    classes_.push_back(std::move(made));
  }
  make_slots();
  prepared_us_ = clock_.steadyUs() - from;
}

Bed::~Bed() {
  engine_.forget_slots();
}

void Bed::measure(Class& of, std::uint32_t repetitions) {
  for (const std::uint32_t jobs : of.plan.capacities)
    of.measured.push_back({jobs, engine_.measure(of.model, of.plan.batch * jobs, repetitions, {})});
}

void Bed::make_slots() {
  for (const Class& each : classes_) {
    Slots& slots = slots_.emplace_back();
    std::vector<std::uint32_t> batches;
    for (const std::uint32_t jobs : each.plan.capacities) batches.push_back(each.plan.batch * jobs);
    for (std::uint32_t context = 0; context < plan_.partition.contexts; ++context) {
      for (std::uint32_t i = 0; i < plan_.partition.streams_per_context * each.plan.slots_per_stream; ++i) {
        slots.push_back(engine_.create_slot(each.model, context, batches));
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
    json measured = json::array();
    for (const sched::Capacity& capacity : each.measured)
      measured.push_back({{"jobs", capacity.jobs}, {"afetUs", capacity.afetUs}});
    json remarks = json::array();
    for (const std::string& remark : slots_[i].front()->remarks()) remarks.push_back(remark);
    classes.push_back({{"model", each.model->manifest().name},
                       {"batch", each.plan.batch},
                       {"stages", each.stages},
                       {"afetUs", each.measured.empty() ? json::array() : json(each.measured.front().afetUs)},
                       {"capacities", measured},
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
  if (const auto* queued = std::get_if<QueuedPlan>(&run.work)) return run_queued(*queued);
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
  const auto form = std::ranges::find(driven.plan.capacities, plan.capacity) - driven.plan.capacities.begin();
  const BareWork work{.stages = driven.stages, .form = static_cast<std::uint32_t>(form)};
  on_core(core_, [&] { bench::run_bare(engine_, slots_[plan.class_index], work, window.to_us); });
  const double seconds = static_cast<double>(window.to_us - window.from_us) / 1e6;
  driven.bare_rate = std::round(static_cast<double>(engine_.jobs() * plan.capacity) / seconds);
  json figures{{"class", plan.class_index},          {"capacity", plan.capacity},
               {"jobsPerS", driven.bare_rate},       {"elementsPerS", driven.bare_rate * driven.plan.batch},
               {"jobUs", spread(engine_.jobs_us())}, {"failed", engine_.failed()}};
  if (plan.samples) figures["samplesUs"] = engine_.jobs_us();
  return figures;
}

// ---- Tasks ----

TaskGroup Bed::group_of(const GroupPlan& plan) const {
  const Class& of = classes_[plan.class_index];
  TaskGroup group{.plan = plan,
                  .afet_us = of.measured.empty() ? std::vector<DurationUs>{} : of.measured.front().afetUs};
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

void Bed::bring_inputs(std::vector<TaskGroup>& groups) {
  std::vector<std::size_t> tasks(classes_.size(), 0);
  for (const TaskGroup& group : groups) tasks[group.plan.class_index] += group.tasks;
  std::vector<std::vector<std::shared_ptr<engine::JobMemory>>> inputs;
  for (std::size_t i = 0; i < classes_.size(); ++i)
    inputs.push_back(models_.inputs(*classes_[i].model, classes_[i].plan.batch, tasks[i]));
  for (TaskGroup& group : groups) {
    auto& from = inputs[group.plan.class_index];
    group.inputs.assign(from.end() - group.tasks, from.end());
    from.resize(from.size() - group.tasks);
  }
}

LoadTerms Bed::terms_of(const LoadPlan& plan) {
  LoadTerms terms{.partition = plan_.partition, .core = core_};
  terms.policy.admission = plan.admission;
  terms.policy.mretAging = plan.mret_aging;
  terms.policy.joining = plan.joining;
  for (const GroupPlan& each : plan.groups) terms.groups.push_back(group_of(each));
  if (plan.joining) {
    for (const Class& each : classes_)
      terms.capacities.push_back(each.measured.size() > 1 ? each.measured : std::vector<sched::Capacity>{});
    bring_inputs(terms.groups);
  }
  constexpr double kLooks = 2;  // before and after
  const double seconds = plan.beside ? kLooks * plan.seconds + kLoadingSeconds : plan.seconds;
  terms.most_releases = releases_of(terms.groups, plan.warm_up_seconds + seconds);
  return terms;
}

void Bed::expect_outputs() {
  for (std::size_t of = 0; of < slots_.size(); ++of) {
    const std::size_t inputs = classes_[of].model->manifest().inputs.size();
    for (std::size_t i = 0; i < slots_[of].size(); ++i) {
      engine::Slot& slot = *slots_[of][i];
      for (std::size_t input = 0; input < inputs; ++input)
        fill_input(slot.input(input), static_cast<std::uint32_t>(i));
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
  trace::Ring ring(kRingRecords);
  BusyRounds rounds;
  if (engine_.polled()) engine_.time_rounds(&rounds, &ring);
  const Served served = serve(engine_, ring, slots_, terms, [&] {
    return plan.beside
               ? load_beside(engine_, *plan.beside, plan_.repetitions, plan.warm_up_seconds, plan.seconds)
               : look_on(plan.warm_up_seconds, plan.seconds, rounds);
  });
  engine_.time_rounds(nullptr, nullptr);
  json figures = figures_of(terms.groups, served.samples, served.windows);
  figures["omitted"] = served.omitted;
  if (engine_.polled() && !plan.beside)
    figures["dispatcher"] = busy_figures(rounds.total(), figures["windows"][0]);
  return figures;
}

json Bed::figures_of(const std::vector<TaskGroup>& groups, const Samples& samples,
                     const std::vector<Window>& windows) const {
  json figures{{"groups", json::array()}, {"windows", json::array()}};
  std::vector<GroupPlan> plans;
  std::vector<std::uint32_t> batches;
  for (const TaskGroup& group : groups) {
    plans.push_back(group.plan);
    batches.push_back(classes_[group.plan.class_index].plan.batch);
    figures["groups"].push_back(description_of(group));
  }
  for (const Window& window : windows)
    figures["windows"].push_back(window_figures(samples, plans, batches, window));
  return figures;
}

// ---- Rules of queues ----

json Bed::run_queued(const QueuedPlan& plan) {
  std::vector<TaskGroup> groups;
  for (const GroupPlan& each : plan.groups) groups.push_back(group_of(each));
  bring_inputs(groups);
  std::vector<OpenClass> classes;
  for (std::size_t i = 0; i < classes_.size(); ++i)
    classes.push_back(
        {.slots = &slots_[i], .capacities = classes_[i].plan.capacities, .stages = classes_[i].stages});
  engine_.watch(clock_.steadyUs(), INT64_MAX);
  QueuedRun served;
  on_core(core_, [&] { served = serve_queued(engine_, classes, groups, plan); });
  json figures = figures_of(groups, served.samples, {served.window});
  figures["rule"] = plan.triton ? "Triton" : "FreeLane";
  figures["jobUs"] = spread(engine_.jobs_us());
  figures["failed"] = engine_.failed();
  return figures;
}

}  // namespace daris::bench
