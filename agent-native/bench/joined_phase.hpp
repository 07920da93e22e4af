// The whole online phase under joining, as a dispatcher of a GPU runs it, in virtual time: the engine
// computes nothing and takes no time to launch, so that what is left is the dispatcher's own.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "base/triple_buffer.hpp"
#include "joined_load.hpp"
#include "runtime/online_phase.hpp"

namespace daris::bench {

/// As costly to read as the runtime's.
class VirtualClock : public runtime::Clock {
 public:
  [[nodiscard]] TimeUs steadyUs() const override;
  [[nodiscard]] std::int64_t wallUs() const override;

  TimeUs nowUs = 0;

 private:
  runtime::SystemClock system_;
};

/// Ends each stage at its virtual instant.
class VirtualEngine : public engine::Engine {
 public:
  explicit VirtualEngine(const VirtualClock& clock);

  /// The next instant at which a stage ends; runtime::kNever without one.
  [[nodiscard]] TimeUs nextUs() const;

  [[nodiscard]] const engine::Device& device() const override { return device_; }
  void partition(const engine::Partitioning&) override {}
  [[nodiscard]] const std::vector<engine::Context>& contexts() const override { return contexts_; }
  [[nodiscard]] std::shared_ptr<const engine::LoadedModel> load(const model::Package&,
                                                                std::stop_token) override;
  [[nodiscard]] std::vector<std::int64_t> measure(const std::shared_ptr<const engine::LoadedModel>&,
                                                  std::uint32_t, std::uint32_t, std::stop_token) override;
  [[nodiscard]] std::unique_ptr<engine::Slot> create_slot(const std::shared_ptr<const engine::LoadedModel>&,
                                                          std::uint32_t context,
                                                          const std::vector<std::uint32_t>& batches) override;
  [[nodiscard]] std::shared_ptr<engine::JobMemory> create_job_memory(const engine::LoadedModel&,
                                                                     std::uint32_t) override;
  void launch(const engine::Launch& launch) noexcept override;
  void listen(engine::CompletionListener*) noexcept override {}
  [[nodiscard]] bool polled() const noexcept override { return true; }
  [[nodiscard]] std::size_t poll(std::span<engine::Completion> completions) noexcept override;

 private:
  const VirtualClock& clock_;
  engine::Device device_{.uuid = "bench",
                         .product = "bench",
                         .units = 132,
                         .memory_bytes = 0,
                         .engine = "bench",
                         .engine_version = "1"};
  std::vector<engine::Context> contexts_{{.units = 132, .streams = kJoinedStreams}};
  std::array<engine::Completion, kJoinedStreams> running_{};
  std::array<TimeUs, kJoinedStreams> endsUs_;
  JoinedTimes times_;
};

class JoinedPhase {
 public:
  explicit JoinedPhase(std::uint32_t tasks);

  /// One round of the dispatcher, at the next instant at which there is something to do. Whether it
  /// published.
  bool round();

  /// Jobs of all tasks, since the beginning. Looks at each task.
  [[nodiscard]] std::uint64_t completed() const;
  /// Nanoseconds that publishing has taken.
  [[nodiscard]] std::int64_t publishedNs() const { return publishedNs_; }

 private:
  void addTask(std::uint32_t order);
  void publish();
  void takeEvents();

  VirtualClock clock_;
  VirtualEngine engine_{clock_};
  runtime::Channel<runtime::Event> events_{1 << 14};
  trace::Ring ring_{1 << 17};  // the runtime's default
  TripleBuffer<runtime::Figures> figures_;
  std::vector<std::shared_ptr<runtime::TaskStatistics>> statistics_;
  runtime::OnlinePhase phase_{engine_, clock_, events_, ring_};
  std::array<engine::Completion, 64> completions_;
  TimeUs publishUs_ = 0;
  std::int64_t publishedNs_ = 0;
};

}  // namespace daris::bench
