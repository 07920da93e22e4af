// Jobs that come on a grid whether or not earlier ones have ended, and lanes that take them by a rule of
// queues alone: nobody is refused, and nobody moves.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

#include "engine/engine.hpp"
#include "gpu/bare_loop.hpp"
#include "gpu/queue_rule.hpp"
#include "gpu/samples.hpp"
#include "runtime/clock.hpp"

namespace daris::bench {

/// A task that is released every period, with the period for a deadline.
struct OpenTask {
  std::uint32_t group = 0;
  std::uint32_t class_index = 0;
  bool high = false;
  DurationUs period_us = 1;
  engine::JobMemory* input = nullptr;  ///< not owned; its own
};

/// What a class's jobs run on.
struct OpenClass {
  const Slots* slots = nullptr;  ///< of each context at least as many as it has streams; not owned
  std::vector<std::uint32_t> capacities{};
  std::uint32_t stages = 1;
};

/// One run; the calling thread does it all and spins. A unit takes the smallest form that holds it and keeps
/// its lane to its end, a stage right after the other.
class OpenLoop {
 public:
  /// The engine must have no listener. `most` releases are foreseen.
  OpenLoop(engine::Engine& engine, const runtime::Clock& clock, std::vector<OpenClass> classes,
           std::vector<OpenTask> tasks, QueueRule& rule, std::size_t most);

  /// Releases and serves until then, lets what runs come to its end, and counts what still waits as dropped.
  /// Throws std::runtime_error where a stage fails or there were more releases than foreseen.
  [[nodiscard]] Samples run_until(TimeUs until);

 private:
  struct Due {
    TimeUs at_us;
    std::uint32_t task;
  };
  struct Lane {
    std::uint32_t context = 0;
    std::uint32_t stream = 0;
    std::vector<engine::Slot*> slots{};  // by class
    std::vector<WaitingJob> unit{};      // empty: free
    std::uint32_t form = 0;
  };

  void make_lanes();
  void start_grid();
  void release_due(TimeUs now);
  void feed_lanes(TimeUs now);
  void begin(Lane& lane);
  void launch(std::size_t lane, std::uint32_t stage);
  void take_completions();
  void ended(Lane& lane, TimeUs now);
  void record(const WaitingJob& job, TimeUs now, sched::End end, std::size_t together);

  engine::Engine& engine_;
  const runtime::Clock& clock_;
  std::vector<OpenClass> classes_;
  std::vector<OpenTask> tasks_;
  QueueRule& rule_;
  std::vector<Lane> lanes_;
  std::vector<Due> grid_;  // a heap, the next release first
  std::size_t running_ = 0;
  Samples samples_;
  std::uint64_t beyond_ = 0;
};

}  // namespace daris::bench
