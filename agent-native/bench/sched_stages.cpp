// Runs so many stages of the scheduler core and ends, to be counted by valgrind: the difference between two
// numbers of stages is free of set-up.
//   sched-stages utilization|predicted TASKS STAGES
//   sched-stages joined TASKS JOBS        the core under joining, until as many jobs have ended
//   sched-stages dispatcher TASKS JOBS    all that a dispatcher does with them, but for its launches
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "joined_drive.hpp"
#include "joined_phase.hpp"
#include "stage_drive.hpp"

namespace {

using namespace daris;

void drive(sched::Admission admission, std::uint32_t tasks, std::uint64_t stages) {
  auto core = sched::Scheduler::create(bench::configOf(admission));
  bench::StageDrive drive(std::move(core.value()), tasks);
  for (std::uint64_t stage = 0; stage < stages; ++stage) drive.oneStage();
}

void driveJoined(std::uint32_t tasks, std::uint64_t jobs) {
  auto core = std::move(sched::Scheduler::create(bench::joinedConfig()).value());
  (void)core.setCapacities(0, bench::joinedCapacities());
  bench::JoinedDrive drive(std::move(core), tasks);
  for (std::uint64_t ended = 0; ended < jobs;) ended += drive.oneStage();
}

void driveDispatcher(std::uint32_t tasks, std::uint64_t jobs) {
  bench::JoinedPhase phase(tasks);
  while (!phase.round() || phase.completed() < jobs) continue;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view kind = argc > 1 ? argv[1] : "";
  const long tasks = argc > 2 ? std::atol(argv[2]) : 0;
  const long count = argc > 3 ? std::atol(argv[3]) : 0;
  const bool known = kind == "utilization" || kind == "predicted" || kind == "joined" || kind == "dispatcher";
  if (argc != 4 || !known || tasks < 8 || count < 0) {
    std::fprintf(
        stderr,
        "usage: sched-stages utilization|predicted|joined|dispatcher TASKS COUNT, at least 8 tasks\n");
    return 2;
  }
  const auto many = static_cast<std::uint32_t>(tasks);
  const auto wanted = static_cast<std::uint64_t>(count);
  if (kind == "joined") {
    driveJoined(many, wanted);
  } else if (kind == "dispatcher") {
    driveDispatcher(many, wanted);
  } else {
    drive(kind == "predicted" ? sched::Admission::Predicted : sched::Admission::Utilization, many, wanted);
  }
}
