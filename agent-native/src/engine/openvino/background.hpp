// Work that must not hurt the stages that run at the time.
#pragma once

#include <future>
#include <thread>
#include <utility>

namespace daris::engine::openvino {

/// Gives the calling thread, and all threads that it makes, the least share of the cores (nice 19,
/// SCHED_BATCH): about 1.5 % beside one busy stream, all that is left over otherwise. Not SCHED_IDLE, whose
/// fifth of that would leave a model half loaded for as long as the cores are full. There is no way back
/// without privileges.
void become_background() noexcept;

/// Runs `work` on a thread made for it in the background (see become_background), and waits.
/// Throws what it throws.
template <typename Work>
auto run_in_background(Work work) -> decltype(work()) {
  std::packaged_task<decltype(work())()> task(std::move(work));
  auto result = task.get_future();
  std::thread thread([&task] {
    become_background();
    task();
  });
  thread.join();
  return result.get();
}

}  // namespace daris::engine::openvino
