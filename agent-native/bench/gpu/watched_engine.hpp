// An engine with a stopwatch: the same instrument for whatever drives it.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "engine/engine.hpp"
#include "gpu/busy_rounds.hpp"
#include "trace/ring.hpp"

namespace daris::bench {

/// Passes everything on, and takes down when jobs end and how long they took from the launch of their first
/// stage.
class WatchedEngine : public engine::Engine {
 public:
  /// Room for `most_jobs` of a window; those beyond are counted alone.
  WatchedEngine(engine::Engine& engine, std::size_t most_jobs);

  // ---- While nothing runs ----

  /// Jobs of this slot are told by its last stage.
  void attend(const engine::Slot& slot, std::uint32_t stages);
  void forget_slots() { watched_.clear(); }
  /// What the slot's outputs hold now is what each of its jobs shall leave there.
  void expect_outputs(const engine::Slot& slot);
  void expect_nothing();
  /// Jobs that end in this window of the steady clock count.
  void watch(std::int64_t from_us, std::int64_t to_us);

  /// Times the rounds of who polls from now on, by what is written into the trace; null: not any more.
  /// Neither is owned.
  void time_rounds(BusyRounds* rounds, const trace::Ring* ring) {
    rounds_ = rounds;
    ring_ = ring;
  }

  /// Microseconds of each job that counted, as far as there was room.
  [[nodiscard]] const std::vector<std::int64_t>& jobs_us() const { return jobs_us_; }
  [[nodiscard]] std::uint64_t jobs() const { return jobs_; }
  [[nodiscard]] std::uint64_t failed() const { return failed_; }
  /// Jobs whose outputs were compared, and those among them with other bits.
  [[nodiscard]] std::uint64_t compared() const { return compared_; }
  [[nodiscard]] std::uint64_t different() const { return different_; }

  [[nodiscard]] const engine::Device& device() const override { return engine_.device(); }
  void partition(const engine::Partitioning& partitioning) override { engine_.partition(partitioning); }
  [[nodiscard]] const std::vector<engine::Context>& contexts() const override { return engine_.contexts(); }
  [[nodiscard]] std::shared_ptr<const engine::LoadedModel> load(const model::Package& package,
                                                                std::stop_token stop) override {
    return engine_.load(package, stop);
  }
  [[nodiscard]] std::vector<std::int64_t> measure(const std::shared_ptr<const engine::LoadedModel>& model,
                                                  std::uint32_t batch, std::uint32_t repetitions,
                                                  std::stop_token stop) override {
    return engine_.measure(model, batch, repetitions, stop);
  }
  [[nodiscard]] std::unique_ptr<engine::Slot> create_slot(
      const std::shared_ptr<const engine::LoadedModel>& model, std::uint32_t context,
      const std::vector<std::uint32_t>& batches) override {
    return engine_.create_slot(model, context, batches);
  }
  [[nodiscard]] std::shared_ptr<engine::JobMemory> create_job_memory(const engine::LoadedModel& model,
                                                                     std::uint32_t batch) override {
    return engine_.create_job_memory(model, batch);
  }
  void launch(const engine::Launch& launch) noexcept override;
  void listen(engine::CompletionListener* listener) noexcept override { engine_.listen(listener); }
  [[nodiscard]] bool polled() const noexcept override { return engine_.polled(); }
  [[nodiscard]] std::size_t poll(std::span<engine::Completion> completions) noexcept override;

 private:
  struct Watched {
    std::uint32_t stages = 0;
    std::int64_t began_us = 0;
    std::vector<std::byte> expected{};  // empty: not compared
  };

  void ended(const engine::Completion& completion) noexcept;
  void compare(const engine::Slot& slot, const Watched& watched) noexcept;

  engine::Engine& engine_;
  BusyRounds* rounds_ = nullptr;
  const trace::Ring* ring_ = nullptr;
  std::int64_t from_us_ = 0;
  std::int64_t to_us_ = 0;
  std::unordered_map<const engine::Slot*, Watched> watched_;
  std::vector<std::int64_t> jobs_us_;  // never grows beyond its capacity while jobs run
  std::uint64_t jobs_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t compared_ = 0;
  std::uint64_t different_ = 0;
};

}  // namespace daris::bench
