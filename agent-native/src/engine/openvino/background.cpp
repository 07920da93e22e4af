#include "engine/openvino/background.hpp"

#include <sched.h>
#include <sys/resource.h>

namespace daris::engine::openvino {

void become_background() noexcept {
  constexpr int kLowest = 19;
  const sched_param none{};
  // Neither needs privileges; a sandbox that refuses them costs isolation, not correctness.
  (void)::sched_setscheduler(0, SCHED_BATCH, &none);
  (void)::setpriority(PRIO_PROCESS, 0, kLowest);  // of the calling thread alone, on Linux
}

}  // namespace daris::engine::openvino
