// A worker's thread between the mailbox and its engine: launches what the runtime orders and tells what
// ended.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

#include "engine/engine.hpp"
#include "engine/workers/mailbox.hpp"
#include "engine/workers/slot_layout.hpp"

namespace daris::engine::workers {

/// A slot in this process whose buffers the runtime sees. A LaunchOrder names it by its address.
struct HostedSlot {
  SharedMemory memory;
  SlotLayout layout;
  std::unique_ptr<Slot> slot;  // after what it lies in
};

/// Owns its thread. It spins while stages run, with an engine whose completions are found by polling, and a
/// little longer; then it sleeps until the doorbell rings. Nothing that it does per stage locks or allocates,
/// and it makes no system call while it spins.
class Pump : private CompletionListener {
 public:
  /// Both outlive it. The engine's only context has `streams` to serve with, and then as many to measure
  /// with.
  Pump(Engine& engine, Mailbox& mailbox, std::uint32_t streams);
  ~Pump();
  Pump(const Pump&) = delete;
  Pump& operator=(const Pump&) = delete;

 private:
  void completed() noexcept override;  // an engine's thread

  void run() noexcept;
  [[nodiscard]] bool step() noexcept;
  [[nodiscard]] bool launch_ordered(Rings& rings, std::uint32_t first_stream) noexcept;
  [[nodiscard]] bool tell_ended() noexcept;
  void rest() noexcept;

  Engine& engine_;
  Mailbox& mailbox_;
  std::uint32_t streams_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> ended_{false};  // completions can be polled that were not looked for yet
  std::uint32_t in_flight_ = 0;
  std::thread thread_;  // last
};

}  // namespace daris::engine::workers
