// One partitioning with the slots of its classes: what the runs of a bed share.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "gpu/bare_loop.hpp"
#include "gpu/models.hpp"
#include "gpu/plan.hpp"
#include "gpu/scheduled_load.hpp"
#include "gpu/watched_engine.hpp"
#include "runtime/clock.hpp"

namespace daris::bench {

/// Divides the device, measures AFETs where tasks will need them, and makes the slots. The engine must have
/// no other slots.
class Bed {
 public:
  Bed(WatchedEngine& engine, Models& models, const BedPlan& plan, std::uint32_t core);
  ~Bed();

  Bed(const Bed&) = delete;
  Bed& operator=(const Bed&) = delete;

  /// Figures of one run. Throws where a stage fails, and where the figures would not be what they seem.
  [[nodiscard]] nlohmann::json run(const RunPlan& run);

  /// What stands beside the figures of each run: partitioning, classes, AFETs.
  [[nodiscard]] nlohmann::json description() const;

 private:
  struct Class {
    ClassPlan plan;
    std::shared_ptr<const engine::LoadedModel> model;
    std::uint32_t stages = 0;
    std::vector<sched::Capacity> measured{};  // AFETs of each capacity; none where no tasks are served
    double bare_rate = 0;                     // jobs a second of the last bare loop
  };

  void make_slots();
  [[nodiscard]] nlohmann::json run_bare(const BarePlan& plan, const std::string& name);
  [[nodiscard]] nlohmann::json run_load(const LoadPlan& plan);
  [[nodiscard]] nlohmann::json run_queued(const QueuedPlan& plan);
  [[nodiscard]] Window window_of(const BarePlan& plan, const std::string& name) const;
  void measure(Class& of, std::uint32_t repetitions);
  [[nodiscard]] TaskGroup group_of(const GroupPlan& plan) const;
  void bring_inputs(std::vector<TaskGroup>& groups);
  [[nodiscard]] LoadTerms terms_of(const LoadPlan& plan);
  void expect_outputs();
  [[nodiscard]] nlohmann::json serve_load(const LoadPlan& plan, const LoadTerms& terms);
  [[nodiscard]] nlohmann::json figures_of(const std::vector<TaskGroup>& groups, const Samples& samples,
                                          const std::vector<Window>& windows) const;

  WatchedEngine& engine_;
  Models& models_;
  BedPlan plan_;
  std::uint32_t core_;
  runtime::SystemClock clock_;
  std::vector<Class> classes_;
  std::vector<Slots> slots_;  // by class
  std::int64_t prepared_us_ = 0;
};

}  // namespace daris::bench
