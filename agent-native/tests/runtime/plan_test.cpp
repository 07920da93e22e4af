// Which tasks may run and the words for those that may not.
#include "runtime/plan.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "runtime/desired_task.hpp"

namespace daris::runtime {
namespace {

using test::taskNamed;

ModelTable models() {
  ObservedModel ready;
  ready.digest = "sha256:a";
  ready.phase = ModelPhase::Ready;
  ready.batches = {{1, {1000, 3000}}, {2, {2000, 5000}}};
  ObservedModel failed;
  failed.digest = "sha256:bad";
  failed.phase = ModelPhase::Failed;
  failed.reason = "DigestMismatch";
  failed.message = "model.json has another digest";
  ObservedModel loading;
  loading.digest = "sha256:slow";
  return {{"sha256:a", ready}, {"sha256:bad", failed}, {"sha256:slow", loading}};
}

DesiredState desiredOf(std::vector<DesiredTask> tasks) {
  DesiredState desired;
  desired.policy.partition = {2, 1, 1};
  desired.tasks = std::move(tasks);
  return desired;
}

struct Case {
  const char* name;
  std::function<void(DesiredTask&)> edit;
  TaskPhase phase;
  std::string reason;
  std::string words;
};

class PlanOfOne : public testing::TestWithParam<Case> {};

TEST_P(PlanOfOne, SaysPhaseReasonAndWords) {
  DesiredTask task = taskNamed("a");
  GetParam().edit(task);
  const auto verdicts = plan(desiredOf({taskNamed("other"), task}), "cpu-0", models(), {});
  EXPECT_EQ(verdicts[0].phase, TaskPhase::Serving) << "another task is not touched by it";
  EXPECT_EQ(verdicts[1].phase, GetParam().phase);
  EXPECT_EQ(verdicts[1].reason, GetParam().reason);
  EXPECT_NE(verdicts[1].message.find(GetParam().words), std::string::npos) << verdicts[1].message;
}

INSTANTIATE_TEST_SUITE_P(
    Plan, PlanOfOne,
    testing::Values(Case{"Sound", [](DesiredTask&) {}, TaskPhase::Serving, "", ""},
                    Case{"ZeroPeriod", [](DesiredTask& task) { task.periodUs = 0; }, TaskPhase::Refused,
                         "InvalidTask", "period_us is 0, expected 1 to 2^53"},
                    Case{"DeadlineBeyondPeriod",
                         [](DesiredTask& task) { task.deadlineUs = task.periodUs + 1; }, TaskPhase::Refused,
                         "InvalidTask", "deadline_us is 100001, expected 1 to period_us (100000)"},
                    Case{"OffsetOfAPeriod", [](DesiredTask& task) { task.offsetUs = task.periodUs; },
                         TaskPhase::Refused, "InvalidTask", "offset_us is 100000"},
                    Case{"NegativeJitter", [](DesiredTask& task) { task.releaseJitterUs = -1; },
                         TaskPhase::Refused, "InvalidTask", "release_jitter_us is -1"},
                    Case{"NoBatch", [](DesiredTask& task) { task.batchSize = 0; }, TaskPhase::Refused,
                         "InvalidTask", "batch_size"},
                    Case{"SameName", [](DesiredTask& task) { task.name = "other"; }, TaskPhase::Refused,
                         "DuplicateName", "default/other is also the task of uid uid-other"},
                    Case{"Gpu", [](DesiredTask& task) { task.gpuUuid = "gpu-7"; }, TaskPhase::Refused,
                         "UnknownGpu", "no GPU gpu-7; it owns cpu-0"},
                    Case{"Context", [](DesiredTask& task) { task.context = 2; }, TaskPhase::Refused,
                         "UnknownContext", "context 2 of cpu-0 does not exist; it has 2, counted from 0"},
                    Case{"NoSuchModel", [](DesiredTask& task) { task.modelDigest = "sha256:none"; },
                         TaskPhase::Refused, "ModelFailed", "sha256:none is not among the desired models"},
                    Case{"FailedModel", [](DesiredTask& task) { task.modelDigest = "sha256:bad"; },
                         TaskPhase::Refused, "ModelFailed", "DigestMismatch: model.json has another digest"},
                    Case{"LoadingModel", [](DesiredTask& task) { task.modelDigest = "sha256:slow"; },
                         TaskPhase::Loading, "", ""},
                    Case{"Batch", [](DesiredTask& task) { task.batchSize = 4; }, TaskPhase::Refused,
                         "BatchNotInPackage", "batch size 4 is not in the package; it has 1, 2"}),
    [](const auto& info) { return info.param.name; });

DesiredTask high(const std::string& name, DurationUs periodUs) {
  DesiredTask task = taskNamed(name);
  task.priority = sched::Priority::High;
  task.periodUs = task.deadlineUs = periodUs;
  return task;
}

TEST(Plan, AfetIsThatOfTheBatch) {
  DesiredTask task = taskNamed("a");
  task.batchSize = 2;
  EXPECT_EQ(plan(desiredOf({task}), "cpu-0", models(), {})[0].afetUs, (std::vector<DurationUs>{2000, 5000}));
}

TEST(Plan, HighPriorityBeyondTheLimitIsOvercommittedWithTheTerms) {
  const auto verdicts = plan(desiredOf({high("a", 8000), high("b", 14'000)}), "cpu-0", models(), {});
  EXPECT_EQ(verdicts[0].phase, TaskPhase::Serving);
  EXPECT_EQ(verdicts[1].reason, "Overcommitted");
  EXPECT_EQ(verdicts[1].message, "HP load 0.5 + 0.286 > 0.75 on context 0 (0.75 of 1 streams)");
}

TEST(Plan, TheLimitItselfFits) {
  const auto verdicts = plan(desiredOf({high("a", 8000), high("b", 16'000)}), "cpu-0", models(), {});
  EXPECT_EQ(verdicts[1].phase, TaskPhase::Serving);
}

TEST(Plan, EachContextHasItsOwnBooking) {
  DesiredTask elsewhere = high("b", 8000);
  elsewhere.context = 1;
  const auto verdicts = plan(desiredOf({high("a", 8000), elsewhere}), "cpu-0", models(), {});
  EXPECT_EQ(verdicts[1].phase, TaskPhase::Serving);
}

TEST(Plan, LowPriorityIsNotBooked) {
  DesiredTask heavy = taskNamed("lp");
  heavy.periodUs = heavy.deadlineUs = 4000;
  EXPECT_EQ(plan(desiredOf({heavy, heavy}), "cpu-0", models(), {})[0].phase, TaskPhase::Serving);
}

TEST(Plan, ANewcomerNeverDrivesOutWhatRuns) {
  const auto verdicts =
      plan(desiredOf({high("new", 8000), high("old", 8000)}), "cpu-0", models(), {"uid-old"});
  EXPECT_EQ(verdicts[0].reason, "Overcommitted");
  EXPECT_EQ(verdicts[1].phase, TaskPhase::Serving);
}

}  // namespace
}  // namespace daris::runtime
