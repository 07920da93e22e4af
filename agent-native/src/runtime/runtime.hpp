// The runtime as rpc/ sees it: desired state in, observed state out, requests to jobs.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.hpp"
#include "runtime/clock.hpp"
#include "runtime/control.hpp"
#include "runtime/dispatcher.hpp"
#include "runtime/loader.hpp"
#include "runtime/responder.hpp"
#include "trace/export.hpp"

namespace daris::runtime {

struct RuntimeOptions {
  std::filesystem::path modelRoot;
  std::uint64_t slotMemoryBytes = 0;
  std::uint32_t dispatcherCore = 0;
  std::size_t traceRecords = std::size_t{1} << 17;
  std::string version;
  std::vector<std::string> nodeGpus =
      {};  ///< UUIDs of all GPUs that have a runtime on this node; empty: not told
  /// Called once a second for as long as jobs can be dispatched, by the thread that does. May be empty.
  std::function<void()> alive = {};
};

/// All methods may be called by any thread. The engine must outlive it.
class Runtime {
 public:
  Runtime(engine::Engine& engine, const Clock& clock, RuntimeOptions options);
  ~Runtime();

  [[nodiscard]] const engine::Device& device() const { return engine_.device(); }
  [[nodiscard]] const std::string& version() const { return options_.version; }
  [[nodiscard]] const std::vector<std::string>& nodeGpus() const { return options_.nodeGpus; }
  /// Random for each start of the process.
  [[nodiscard]] const std::string& instanceId() const { return instanceId_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }

  /// Throws InvalidArgument.
  void apply(DesiredState desired) { control_.apply(std::move(desired)); }
  /// What is known of the GPU from now on.
  void report(device::Report report) { control_.report(std::move(report)); }
  [[nodiscard]] ObservedState observe() { return control_.observe(); }
  /// `notify` is called after each change of phases; it must only wake others.
  void onTransition(std::function<void()> notify) { control_.onTransition(std::move(notify)); }

  /// A task by its served name, whatever its phase. Throws NotFound.
  [[nodiscard]] ServedTask find(std::string_view name) const;
  /// A task that serves. Throws NotFound where it is not here or was refused, Unavailable while it loads.
  [[nodiscard]] ServedTask serving(std::string_view name) const;

  /// Memory for the inputs and outputs of a job of a task that serves. Throws Exhausted where none is left.
  [[nodiscard]] std::shared_ptr<engine::JobMemory> jobMemory(const ServedTask& task);

  /// Takes a request to its task; its `answer` is called exactly once, unless this throws: Unavailable while
  /// the runtime stops, Exhausted beyond the bound on requests in memory.
  void submit(RequestPtr request);

  /// The client of a submitted request has gone: it is answered Cancelled unless a job of it was released.
  /// Its answer is called all the same, once. Never blocks; while the dispatcher's queue is full it may be
  /// released after all.
  void abandon(Request& request);

  /// What the scheduler was told and decided in the last `seconds`; 0: all that is held.
  [[nodiscard]] std::unique_ptr<trace::Export> trace(std::uint32_t seconds, trace::Format format) const;

  /// Whether state was applied and the runtime is not stopping.
  [[nodiscard]] bool ready() const;

  /// Takes no more requests and releases no more jobs, waits for those that are active and answers all
  /// requests. Idempotent. What the loader does ends with the destructor.
  void drain();

 private:
  static constexpr std::int64_t kMaxRequests = 1024;

  engine::Engine& engine_;
  const Clock& clock_;
  RuntimeOptions options_;
  std::string instanceId_;
  std::atomic<std::uint64_t> sequence_{1};
  std::shared_ptr<std::atomic<std::int64_t>> requests_;  // in memory
  std::atomic<bool> stopping_{false};
  std::atomic<int> submitting_{0};  // threads inside submit()
  // In the order in which they may be destroyed from the end: nobody uses what is gone.
  trace::Ring ring_;
  trace::Names names_;
  Channel<Event> events_;
  Dispatcher dispatcher_;
  Loader loader_;
  Control control_;
  Responder responder_;
};

}  // namespace daris::runtime
