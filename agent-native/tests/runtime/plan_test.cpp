// Which tasks may run and the words for those that may not.
#include "runtime/plan.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "runtime/desired_task.hpp"

namespace daris::runtime {
namespace {

using test::highTask;
using test::kCores;
using test::taskNamed;

ModelTable models() {
  ObservedModel ready;
  ready.digest = "sha256:a";
  ready.phase = ModelPhase::Ready;
  auto manifest = std::make_shared<model::Manifest>();
  manifest->stages.resize(2);
  ready.manifest = manifest;
  ready.batches = {{1, {1000, 3000}}, {2, {2000, 5000}}};
  ready.measured = true;
  ObservedModel failed;
  failed.digest = "sha256:bad";
  failed.phase = ModelPhase::Failed;
  failed.reason = "DigestMismatch";
  failed.message = "model.json has another digest";
  ObservedModel loading;
  loading.digest = "sha256:slow";
  ObservedModel unmeasured = ready;
  unmeasured.digest = "sha256:new";
  unmeasured.batches = {{1, {}}, {2, {}}};
  unmeasured.measured = false;
  ObservedModel faulty = unmeasured;
  faulty.digest = "sha256:odd";
  faulty.reason = "OutOfMemory";
  faulty.message = "no room for its buffers";
  return {{"sha256:a", ready},
          {"sha256:bad", failed},
          {"sha256:slow", loading},
          {"sha256:new", unmeasured},
          {"sha256:odd", faulty}};
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
  const auto verdicts = plan(desiredOf({taskNamed("other"), task}), kCores, models(), {}, {});
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
                    Case{"UnmeasuredModel", [](DesiredTask& task) { task.modelDigest = "sha256:new"; },
                         TaskPhase::Loading, "", ""},
                    Case{"ModelThatCannotBeMeasured",
                         [](DesiredTask& task) { task.modelDigest = "sha256:odd"; }, TaskPhase::Refused,
                         "ModelFailed", "OutOfMemory: no room for its buffers"},
                    Case{"UnmeasuredModelAndAfetsOfItsOwn",
                         [](DesiredTask& task) {
                           task.modelDigest = "sha256:new";
                           task.stageAfetUs = {500, 700};
                         },
                         TaskPhase::Serving, "", ""},
                    Case{"ModelThatCannotBeMeasuredAndAfetsOfItsOwn",
                         [](DesiredTask& task) {
                           task.modelDigest = "sha256:odd";
                           task.stageAfetUs = {500, 700};
                         },
                         TaskPhase::Serving, "", ""},
                    Case{"LoadingModelAndAfetsOfItsOwn",
                         [](DesiredTask& task) {
                           task.modelDigest = "sha256:slow";
                           task.stageAfetUs = {500, 700};
                         },
                         TaskPhase::Loading, "", ""},
                    Case{"BatchAndAfetsOfItsOwn",
                         [](DesiredTask& task) {
                           task.batchSize = 4;
                           task.stageAfetUs = {500, 700};
                         },
                         TaskPhase::Refused, "BatchNotInPackage", "batch size 4"},
                    Case{"Batch", [](DesiredTask& task) { task.batchSize = 4; }, TaskPhase::Refused,
                         "BatchNotInPackage", "batch size 4 is not in the package; it has 1, 2"}),
    [](const auto& info) { return info.param.name; });

TEST(Plan, AfetIsThatOfTheBatch) {
  DesiredTask task = taskNamed("a");
  task.batchSize = 2;
  EXPECT_EQ(plan(desiredOf({task}), kCores, models(), {}, {})[0].afetUs,
            (std::vector<DurationUs>{2000, 5000}));
}

TEST(Plan, OfEqualPackagesTheOneOfAListedNamespaceRuns) {
  engine::Device gpu = kCores;
  gpu.compiled_code = true;
  DesiredTask allowed = taskNamed("a");
  allowed.nameSpace = "vision";
  DesiredState desired = desiredOf({allowed, taskNamed("b")});
  desired.policy.name = "edge";
  desired.policy.compiledCodeNamespaces = {"vision"};
  const auto verdicts = plan(desired, gpu, models(), {}, {});
  EXPECT_EQ(verdicts[0].phase, TaskPhase::Serving);
  EXPECT_EQ(verdicts[1].reason, "CompiledCodeNotAllowed");
  EXPECT_EQ(
      verdicts[1].message,
      "engine openvino of cpu-0 runs compiled code, and namespace default is not listed in "
      "spec.compiledCode.namespaces of policy edge; list it there, or run the package on a node with another "
      "engine");
}

using Afets = std::vector<DurationUs>;

Afets afetsOf(const std::string& digest, Afets given) {
  DesiredTask task = taskNamed("a");
  task.modelDigest = digest;
  task.stageAfetUs = std::move(given);
  return plan(desiredOf({task}), kCores, models(), {}, {})[0].afetUs;
}

TEST(Plan, AfetsThatATaskBringsComeBeforeThoseOfItsModel) {
  EXPECT_EQ(afetsOf("sha256:a", {500, 700}), (Afets{500, 700}));
  EXPECT_EQ(afetsOf("sha256:new", {500, 700}), (Afets{500, 700}));
}

TEST(Plan, AfetsThatCannotBeOfTheModelAreNone) {
  for (const Afets& given : {Afets{}, Afets{500}, Afets{500, 700, 900}, Afets{500, 0}, Afets{500, -1},
                             Afets{500, kMaxTimeUs + 1}}) {
    EXPECT_EQ(afetsOf("sha256:a", given), (Afets{1000, 3000}));
  }
}

TEST(Plan, ATaskIsBookedByTheAfetsThatItBrings) {
  DesiredTask light = highTask("b", 14'000);
  light.stageAfetUs = {1000, 2500};  // 0.25; by its model it were 0.286
  const auto verdicts = plan(desiredOf({highTask("a", 8000), light}), kCores, models(), {}, {});
  EXPECT_EQ(verdicts[1].phase, TaskPhase::Serving) << verdicts[1].message;
}

// ---- What to measure ----

DesiredState measuring(std::vector<DesiredTask> tasks, std::vector<DesiredModel> wanted) {
  DesiredState desired = desiredOf(std::move(tasks));
  desired.models = std::move(wanted);
  return desired;
}

DesiredTask running(const std::string& digest, Afets given = {}) {
  DesiredTask task = taskNamed("a");
  task.modelDigest = digest;
  task.stageAfetUs = std::move(given);
  return task;
}

TEST(NextToMeasure, IsWhatATaskWaitsFor) {
  EXPECT_EQ(nextToMeasure(measuring({running("sha256:new")}, {}), models(), {}), "sha256:new");
  EXPECT_EQ(nextToMeasure(measuring({running("sha256:new", {500})}, {}), models(), {}), "sha256:new");
}

TEST(NextToMeasure, IsNothingWhereTheTasksBringTheirAfets) {
  const auto desired = measuring({running("sha256:new", {500, 700})}, {{"sha256:new", "file:///new", false}});
  EXPECT_EQ(nextToMeasure(desired, models(), {}), std::nullopt);
}

TEST(NextToMeasure, IsWhatIsWantedForItsOwnSake) {
  const auto desired = measuring({running("sha256:new", {500, 700})}, {{"sha256:new", "file:///new", true}});
  EXPECT_EQ(nextToMeasure(desired, models(), {}), "sha256:new");
}

TEST(NextToMeasure, IsNothingThatIsMeasuredOrLoadingOrCannotBe) {
  for (const std::string digest : {"sha256:a", "sha256:bad", "sha256:slow", "sha256:odd", "sha256:none"}) {
    const auto desired = measuring({running(digest)}, {{digest, "file:///d", true}});
    EXPECT_EQ(nextToMeasure(desired, models(), {}), std::nullopt) << digest;
  }
}

TEST(NextToMeasure, ATaskThatWaitsComesFirst) {
  ModelTable table = models();
  table["sha256:b"] = table["sha256:new"];
  const auto desired = measuring({running("sha256:new")}, {{"sha256:b", "file:///b", true}});
  EXPECT_EQ(nextToMeasure(desired, table, {}), "sha256:new");
}

TEST(Plan, HighPriorityBeyondTheLimitIsOvercommittedWithTheTerms) {
  const auto verdicts =
      plan(desiredOf({highTask("a", 8000), highTask("b", 14'000)}), kCores, models(), {}, {});
  EXPECT_EQ(verdicts[0].phase, TaskPhase::Serving);
  EXPECT_EQ(verdicts[1].reason, "Overcommitted");
  EXPECT_EQ(verdicts[1].message, "HP load 0.5 + 0.286 > 0.75 on context 0 (0.75 of 1 streams)");
}

TEST(Plan, TheLimitItselfFits) {
  const auto verdicts =
      plan(desiredOf({highTask("a", 8000), highTask("b", 16'000)}), kCores, models(), {}, {});
  EXPECT_EQ(verdicts[1].phase, TaskPhase::Serving);
}

TEST(Plan, EachContextHasItsOwnBooking) {
  DesiredTask elsewhere = highTask("b", 8000);
  elsewhere.context = 1;
  const auto verdicts = plan(desiredOf({highTask("a", 8000), elsewhere}), kCores, models(), {}, {});
  EXPECT_EQ(verdicts[1].phase, TaskPhase::Serving);
}

TEST(Plan, LowPriorityIsNotBooked) {
  DesiredTask heavy = taskNamed("lp");
  heavy.periodUs = heavy.deadlineUs = 4000;
  EXPECT_EQ(plan(desiredOf({heavy, heavy}), kCores, models(), {}, {})[0].phase, TaskPhase::Serving);
}

TEST(Plan, ANewcomerNeverDrivesOutWhatRuns) {
  const auto verdicts =
      plan(desiredOf({highTask("new", 8000), highTask("old", 8000)}), kCores, models(), {}, {"uid-old"});
  EXPECT_EQ(verdicts[0].reason, "Overcommitted");
  EXPECT_EQ(verdicts[1].phase, TaskPhase::Serving);
}

}  // namespace
}  // namespace daris::runtime
