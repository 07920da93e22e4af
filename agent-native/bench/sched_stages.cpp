// Runs so many stages of the scheduler core and ends, to be counted by valgrind: the difference between two
// numbers of stages is free of set-up. sched-stages utilization|predicted TASKS STAGES
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "stage_drive.hpp"

int main(int argc, char** argv) {
  using daris::sched::Admission;
  const std::string_view admission = argc > 1 ? argv[1] : "";
  const long tasks = argc > 2 ? std::atol(argv[2]) : 0;
  const long stages = argc > 3 ? std::atol(argv[3]) : 0;
  if (argc != 4 || (admission != "utilization" && admission != "predicted") || tasks < 8 || stages < 0) {
    std::fprintf(stderr, "usage: sched-stages utilization|predicted TASKS STAGES, with at least 8 tasks\n");
    return 2;
  }
  const auto wanted = admission == "predicted" ? Admission::Predicted : Admission::Utilization;
  auto core = daris::sched::Scheduler::create(daris::bench::configOf(wanted));
  daris::bench::StageDrive drive(std::move(core.value()), static_cast<std::uint64_t>(tasks));
  for (long stage = 0; stage < stages; ++stage) drive.oneStage();
}
