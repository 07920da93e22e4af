// Each step is made on the scheduler and on the reference; the answers and then the snapshots must agree.
#include "audit.hpp"

#include "auditor.hpp"

namespace daris::sched {

/// The which-th task that is not removed, or that has a running stage.
TaskModel* Audit::pick(std::uint8_t which, bool running) {
  std::vector<TaskModel*> eligible;
  for (auto& [id, task] : model_.tasks)
    if (running ? task.job && task.job->running : !task.removed) eligible.push_back(&task);
  return eligible.empty() ? nullptr : eligible[which % eligible.size()];
}

void Audit::endToken(Token token) {
  check(open_.erase(token) == 1, "a release ended that was not open");
}

void Audit::play(const Step& step) {
  now_ += step.dt & 31;
  switch (step.kind % 16) {
    case 0:
      addTask(step);
      break;
    case 1:
      changeTask(step);
      break;
    case 2:
      removeTask(step);
      break;
    case 3:
    case 4:
    case 5:
      release(step);
      break;
    case 6:
      step.b % 4 == 0 ? withdraw(step) : release(step);
      break;
    case 7:
    case 8:
      dispatch({step.a & 1u, (step.a >> 1) & 3u}, 1 + step.b % 4);
      break;
    case 9:
      for (std::uint32_t i = 0; i < 8; ++i) dispatch({i >> 2, i & 3}, 64);
      break;
    case 10:
    case 11:
    case 12:
      completeOne(step);
      break;
    case 13:
      step.a % 4 == 0 ? failOne(step) : wrongCall(step);
      break;
    case 14:
      step.a % 4 == 0 ? configure({step.kind, step.b, step.c, step.dt, 0}) : setSlots(step);
      break;
    default: {
      const auto marked = sched_.markOverdue(now_);
      check(marked.ok() && marked.value() == model_.markOverdue(now_), "markOverdue counts other jobs");
    }
  }
  checkState();
}

/// Lets every job end and removes every task: nothing may be left.
void Audit::drain() {
  for (std::uint32_t gpu = 0; gpu < 2; ++gpu)
    for (std::uint32_t index = 0; index < 4; ++index)
      for (ClassId classId = 0; classId < 4; ++classId)
        if (!model_.gone({gpu, index}))
          setSlots({0, 1, static_cast<std::uint8_t>(classId | gpu << 2 | index << 3), 3, 0});
  while (pick(0, false) != nullptr) removeTask({});
  for (int guard = 0; !model_.tasks.empty(); ++guard) {
    check(guard < 1000, "jobs do not end");
    ++now_;
    for (std::uint32_t i = 0; i < 8; ++i) dispatch({i >> 2, i & 3}, 64);
    while (pick(0, true) != nullptr) completeOne({0, 0, 20, 0, 0});
  }
  checkState();
  check(open_.empty(), "a release that never ended");
  for (const ContextSnapshot& context : snapshot_.contexts)
    check(context.state == ContextState::Serving && context.readyUnits == 0, "a context keeps residue");
}

std::optional<std::string> audit(std::span<const Step> steps, std::uint64_t* digest) {
  Audit run;
  std::size_t at = 0;
  try {
    for (; at < steps.size(); ++at) run.play(steps[at]);
    run.drain();
  } catch (const Disagreement& disagreement) {
    return "step " + std::to_string(at) + ": " + disagreement.text;
  }
  if (digest != nullptr) *digest = run.digest();
  return std::nullopt;
}

std::vector<Step> stepsFrom(std::span<const std::uint8_t> bytes) {
  std::vector<Step> steps;
  for (std::size_t i = 0; i + 5 <= bytes.size(); i += 5)
    steps.push_back({bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3], bytes[i + 4]});
  return steps;
}

}  // namespace daris::sched
