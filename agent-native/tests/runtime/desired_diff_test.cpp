// What a change of a desired task does to the one that runs.
#include "runtime/desired_diff.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "runtime/desired_task.hpp"
#include "runtime/error.hpp"

namespace daris::runtime {
namespace {

struct Edit {
  const char* name;
  std::function<void(DesiredTask&)> edit;
  Step step;
};

class DiffOfOne : public testing::TestWithParam<Edit> {};

TEST_P(DiffOfOne, LeadsToTheStep) {
  const DesiredTask running = test::taskNamed("a");
  DesiredTask wanted = running;
  GetParam().edit(wanted);
  EXPECT_EQ(stepTo(wanted, &running), GetParam().step);
}

INSTANTIATE_TEST_SUITE_P(
    DesiredDiff, DiffOfOne,
    testing::Values(
        Edit{"Nothing", [](DesiredTask&) {}, Step::Keep},
        Edit{"CarriedCounters", [](DesiredTask& task) { task.carried.released = 9; }, Step::Keep},
        Edit{"Period", [](DesiredTask& task) { task.periodUs = 200'000; }, Step::Change},
        Edit{"Deadline", [](DesiredTask& task) { task.deadlineUs = 50'000; }, Step::Change},
        Edit{"Offset", [](DesiredTask& task) { task.offsetUs = 7; }, Step::Change},
        Edit{"Priority", [](DesiredTask& task) { task.priority = sched::Priority::High; }, Step::Change},
        Edit{"Release", [](DesiredTask& task) { task.release = sched::ReleaseMode::OnRequest; },
             Step::Change},
        Edit{"Epoch", [](DesiredTask& task) { task.epoch = 2; }, Step::Change},
        Edit{"Context", [](DesiredTask& task) { task.context = 1; }, Step::Change},
        Edit{"LateJobs", [](DesiredTask& task) { task.lateJobs = sched::LateJobs::Drop; }, Step::Change},
        Edit{"Model", [](DesiredTask& task) { task.modelDigest = "sha256:b"; }, Step::Replace},
        Edit{"Batch", [](DesiredTask& task) { task.batchSize = 2; }, Step::Replace}),
    [](const auto& info) { return info.param.name; });

TEST(DesiredDiff, NamesWhatIsGoneAndWhatIsNew) {
  const DesiredTask a = test::taskNamed("a");
  const DesiredTask b = test::taskNamed("b");
  const DesiredTask c = test::taskNamed("c");
  const auto changes = difference({&b, &c}, {{a.uid, &a}, {b.uid, &b}});
  EXPECT_EQ(changes.removed, std::vector<std::string>{"uid-a"});
  EXPECT_EQ(changes.steps, (std::vector<Step>{Step::Keep, Step::Add}));
}

TEST(DesiredDiff, AppliedTwiceItChangesNothing) {
  const DesiredTask a = test::taskNamed("a");
  const auto changes = difference({&a}, {{a.uid, &a}});
  EXPECT_TRUE(changes.removed.empty());
  EXPECT_EQ(changes.steps, std::vector<Step>{Step::Keep});
}

// ---- What is refused as a whole ----

DesiredState sound() {
  DesiredState desired;
  desired.generation = 1;
  desired.tasks = {test::taskNamed("a"), test::taskNamed("b")};
  return desired;
}

std::string refusalOf(const DesiredState& desired) {
  try {
    check(desired);
    return "";
  } catch (const InvalidArgument& error) {
    return error.what();
  }
}

TEST(DesiredState, SoundOneIsAccepted) {
  EXPECT_EQ(refusalOf(sound()), "");
}

TEST(DesiredState, RefusalsNameTheFieldAndWhatWorks) {
  DesiredState desired = sound();
  desired.policy.partition.contexts = 0;
  EXPECT_EQ(refusalOf(desired), "policy.contexts is 0, expected 1 to 4096");
  desired = sound();
  desired.policy.partition = {2, 1, 2.5};
  EXPECT_NE(refusalOf(desired).find("policy.oversubscription is 2.5"), std::string::npos);
  desired = sound();
  desired.policy.highPriorityUtilizationLimit = 0;
  EXPECT_NE(refusalOf(desired).find("policy.high_priority_utilization_limit"), std::string::npos);
  desired = sound();
  desired.tasks[1].uid = desired.tasks[0].uid;
  EXPECT_EQ(refusalOf(desired), "tasks: uid uid-a is there twice");
}

}  // namespace
}  // namespace daris::runtime
