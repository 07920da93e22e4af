// From desired state to what runs: models, slots, tasks; and back to what is observed. Level-based: every
// event only makes it compare again what should be with what is.
//   apply, loader results, dispatcher events ──► reconcile ──► loads, slots, commands
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/published.hpp"
#include "runtime/capacities.hpp"
#include "runtime/classes.hpp"
#include "runtime/desired_diff.hpp"
#include "runtime/dispatcher.hpp"
#include "runtime/loader.hpp"
#include "runtime/models.hpp"
#include "runtime/observed_state.hpp"
#include "runtime/serving_table.hpp"
#include "runtime/slot_factory.hpp"
#include "trace/names.hpp"

namespace daris::runtime {

struct ControlOptions {
  std::filesystem::path modelRoot;
  std::uint64_t slotMemoryBytes = 0;
};

/// All methods may be called by any thread but the dispatcher's; none waits for a disk or a job. Results of
/// the loader come in on the loader's thread, events of the dispatcher on the responder's.
class Control {
 public:
  Control(engine::Engine& engine, const Clock& clock, Dispatcher& dispatcher, Loader& loader,
          trace::Names& names, ControlOptions options);

  /// Makes `desired` the state to reach. Throws InvalidArgument; the former state is then still in force.
  void apply(DesiredState desired);

  /// What is known of the GPU from now on. While others work on it, a task that was not started here yet is
  /// refused, and nothing is measured: times taken beside somebody else would be kept for all GPUs of its
  /// kind.
  void report(device::Report report);

  /// The whole state as it is now.
  [[nodiscard]] ObservedState observe();

  /// Called after each change of phases, by the thread that made it, with the lock held: must only wake
  /// others.
  void onTransition(std::function<void()> notify);

  [[nodiscard]] std::shared_ptr<const ServingTable> serving() const { return serving_.load(); }

  /// Whether a desired state was applied.
  [[nodiscard]] bool ready() const { return ready_; }

  void handle(TaskEnded&& event);
  void handle(TaskRefused&& event);
  void handle(ClassRetired&& event);

 private:
  struct Running {
    InstanceId instance = 0;
    DesiredTask task;
    ClassKey key;
    sched::ClassId classId = 0;
  };
  /// What is told of a desired task.
  struct Told {
    TaskPhase phase = TaskPhase::Loading;
    std::string reason;
    std::string message;
    DurationUs afetUs = 0;
  };

  void reconcile();
  [[nodiscard]] bool partitioned();
  void startPartitioning();
  [[nodiscard]] std::optional<std::string> divide(const Policy& policy, std::stop_token stop);
  void reconcilePolicy();
  [[nodiscard]] JoinedClasses inForce(const JoinedClasses& wanted) const;
  [[nodiscard]] std::vector<Verdict> decide(const JoinedClasses& joined);
  void reconcileSlots(const std::vector<Verdict>& verdicts, const JoinedClasses& wanted);
  void reconcileTasks(const std::vector<Verdict>& planned);
  void retireFormerClasses();
  [[nodiscard]] Step stepOf(const DesiredTask& task, Step step) const;
  [[nodiscard]] Verdict withSlots(const DesiredTask& task, Verdict verdict) const;
  void start(const DesiredTask& task, Step step, const Verdict& verdict);
  /// `returns`: it is to be started again as soon as it can be.
  void end(const std::string& uid, bool returns = false);
  void dropModels();
  void orderMeasurement(const JoinedClasses& joined);
  void tell(const DesiredTask& task, const Verdict& verdict);
  void forgetUndesired();
  void publishServing();
  void takeFigures();

  void orderLoad(std::string digest, std::uint64_t attempt, DurationUs delayUs);
  void orderSlots(const ClassOrder& order);
  [[nodiscard]] SlotPool::Contents take(const ClassOrder& order, SlotDelivery delivery);
  [[nodiscard]] TaskTerms termsOf(const DesiredTask& task, const Verdict& verdict, bool moves,
                                  InstanceId instance) const;
  [[nodiscard]] std::shared_ptr<TaskStatistics> statisticsOf(const DesiredTask& task);
  [[nodiscard]] ObservedTask observeTask(const DesiredTask& task) const;
  void tellMrets(std::vector<ObservedModel>& models) const;
  [[nodiscard]] bool divided() const;
  [[nodiscard]] bool isShared() const { return gpu_ && !gpu_->sharing.empty(); }

  engine::Engine& engine_;
  const Clock& clock_;
  Dispatcher& dispatcher_;
  Loader& loader_;
  trace::Names& names_;  // of instances, for traces
  ControlOptions options_;
  SlotFactory factory_;  // the loader thread's alone

  std::mutex mutex_;  // guards all below but serving_ and ready_
  std::function<void()> notify_;
  std::optional<DesiredState> desired_;
  std::optional<device::Report> gpu_;
  std::optional<Policy> policy_;  // in force; nothing before the first partitioning
  bool partitioning_ = false;
  bool measuring_ = false;  // ordered of the loader or under way
  std::string partitionFault_;
  Models models_;
  Classes classes_;
  std::map<std::string, Running, std::less<>> running_;  // by uid
  std::map<InstanceId, std::string> draining_;           // uid of each; removed, a job still active
  std::map<std::string, std::shared_ptr<TaskStatistics>, std::less<>>
      statistics_;                                                      // by uid; the dispatcher's
  std::map<std::string, TaskFigures, std::less<>> figures_;             // by uid; newest known
  std::map<std::string, std::string, std::less<>> refusedByScheduler_;  // uid → why
  std::map<std::string, Told, std::less<>> told_;                       // by uid
  std::vector<ContextFigures> contexts_;
  std::vector<sched::CapacitySnapshot> capacities_;
  std::vector<DurationUs> stageMretUs_;  // of these
  InstanceId nextInstance_ = 1;
  Published<ServingTable> serving_;
  std::atomic<bool> ready_{false};
};

}  // namespace daris::runtime
