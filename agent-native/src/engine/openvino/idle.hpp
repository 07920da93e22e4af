// Work that must not hurt the stages that run at the time.
#pragma once

#include <future>
#include <thread>

namespace daris::engine::openvino {

/// Makes the calling thread, and all threads that it makes, run only on cores that would be idle
/// (SCHED_IDLE). There is no way back without privileges.
void become_idle() noexcept;

/// Runs `work` at idle priority, on a thread made for it (see become_idle), and waits. Throws what it throws.
template <typename Work>
auto run_idle(Work work) -> decltype(work()) {
  std::packaged_task<decltype(work())()> task(std::move(work));
  auto result = task.get_future();
  std::thread thread([&task] {
    become_idle();
    task();
  });
  thread.join();
  return result.get();
}

}  // namespace daris::engine::openvino
