#include "engine/openvino/idle.hpp"

#include <sched.h>

namespace daris::engine::openvino {

void become_idle() noexcept {
  const sched_param none{};
  // Refused only by a sandbox that knows no such policy; the work is then done at normal priority.
  (void)::sched_setscheduler(0, SCHED_IDLE, &none);
}

}  // namespace daris::engine::openvino
