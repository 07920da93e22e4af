// Desired state to what runs, against the real process: loading, serving, changes, refusals, removal.
#include <gtest/gtest.h>

#include "rpc/runtime_process.hpp"

namespace daris::test {
namespace {

/// Null where there is none.
const wire::ObservedModel* findModel(const wire::ObservedState& state, const std::string& digest) {
  for (const auto& model : state.models()) {
    if (model.digest() == digest) return &model;
  }
  return nullptr;
}

bool modelIs(const wire::ObservedState& state, const std::string& digest, wire::ModelPhase phase) {
  const auto* model = findModel(state, digest);
  return model != nullptr && model->phase() == phase;
}

std::uint64_t released(const wire::ObservedState& state, const std::string& name) {
  const auto* task = find(state, name);
  return task == nullptr ? 0 : task->jobs().released();
}

TEST(Apply, LoadsThenServesAndTellsWhatThePackageHolds) {
  Bed bed;
  auto desired = bed.desired(1);
  addTask(desired, "a", bed.chainDigest());
  ASSERT_TRUE(bed.apply(desired).ok());
  const auto first = bed.waitFor([](const auto& state) { return state.applied_generation() == 1; });
  ASSERT_NE(find(first, "a"), nullptr);
  EXPECT_EQ(find(first, "a")->phase(), wire::TASK_PHASE_LOADING);
  const auto state = bed.waitFor([](const auto& seen) { return serves(seen, "a"); });
  ASSERT_TRUE(modelIs(state, bed.chainDigest(), wire::MODEL_PHASE_READY));
  for (const auto& model : state.models()) {
    if (model.digest() != bed.chainDigest()) continue;
    EXPECT_EQ(model.name(), "chain");
    EXPECT_EQ(model.stages_size(), 4);
    ASSERT_EQ(model.batches_size(), 2);
    EXPECT_EQ(model.batches(1).size(), 2U);
    for (const auto stageUs : model.batches(0).stage_afet_us()) EXPECT_GT(stageUs, 0);
  }
  EXPECT_GT(find(state, "a")->afet_us(), 0);
}

TEST(Apply, ATaskThatBringsItsAfetsServesAndNothingIsMeasured) {
  Bed bed;
  auto desired = bed.desired(1);
  auto& task = addTask(desired, "a", bed.chainDigest());
  for (const int stageUs : {1000, 2000, 3000, 1500}) task.add_stage_afet_us(stageUs);
  bed.serve(desired);
  const auto state = bed.waitFor([](const auto& seen) { return released(seen, "a") >= 5; });
  const auto* model = findModel(state, bed.chainDigest());
  EXPECT_FALSE(model->measured());
  EXPECT_EQ(model->stages_to_measure(), 0U);
  ASSERT_EQ(model->batches_size(), 2);
  EXPECT_EQ(model->batches(1).size(), 2U);
  EXPECT_EQ(model->batches(1).stage_afet_us_size(), 0);
  EXPECT_EQ(find(state, "a")->afet_us(), 7500);
}

TEST(Apply, OtherAfetsOfATaskThatRunsDisturbNothing) {
  Bed bed;
  auto desired = bed.desired(1);
  auto& task = addTask(desired, "a", bed.chainDigest());
  for (const int stageUs : {1000, 2000, 3000, 1500}) task.add_stage_afet_us(stageUs);
  bed.serve(desired);
  const auto before = bed.waitFor([](const auto& seen) { return released(seen, "a") >= 5; });
  desired.set_generation(2);
  desired.mutable_tasks(0)->set_stage_afet_us(0, 1001);
  bed.serve(desired);
  const auto after =
      bed.waitFor([&](const auto& seen) { return released(seen, "a") > released(before, "a") + 5; });
  EXPECT_EQ(find(after, "a")->jobs().skipped(), find(before, "a")->jobs().skipped());
}

TEST(Apply, AModelIsMeasuredForItsOwnSakeWhereThatIsWanted) {
  Bed bed;
  auto desired = bed.desired(1);
  desired.mutable_models(0)->set_measure(true);
  ASSERT_TRUE(bed.apply(desired).ok());
  const auto isMeasured = [&](const wire::ObservedState& seen) {
    const auto* model = findModel(seen, bed.chainDigest());
    return model != nullptr && model->measured();
  };
  const auto state = bed.waitFor([&](const auto& seen) {
    return isMeasured(seen) && modelIs(seen, bed.fragileDigest(), wire::MODEL_PHASE_READY);
  });
  for (const auto& batch : findModel(state, bed.chainDigest())->batches()) {
    EXPECT_EQ(batch.stage_afet_us_size(), 4);
    for (const auto stageUs : batch.stage_afet_us()) EXPECT_GT(stageUs, 0);
  }
  EXPECT_FALSE(findModel(state, bed.fragileDigest())->measured());

  desired.set_generation(2);
  desired.mutable_policy()->set_contexts(3);
  ASSERT_TRUE(bed.apply(desired).ok());
  bed.waitFor([&](const auto& seen) {
    return seen.applied_generation() == 2 && seen.gpus(0).contexts_size() == 3 && isMeasured(seen);
  });
}

TEST(Apply, PeriodicJobsAreReleasedOnTheGrid) {
  Bed bed;
  auto desired = bed.desired(1);
  addTask(desired, "a", bed.chainDigest());
  bed.serve(desired);
  const auto start = bed.waitFor([](const auto& state) { return released(state, "a") >= 5; });
  const auto end = bed.waitFor([](const auto& state) { return released(state, "a") >= 105; });
  const auto count = static_cast<double>(released(end, "a") - released(start, "a"));
  const auto elapsedUs = static_cast<double>(end.time_us() - start.time_us());
  // As many as the grid has points in that time; figures may be 50 ms old.
  EXPECT_NEAR(count, elapsedUs / 20'000, 4);
  const auto& task = *find(end, "a");
  EXPECT_GE(task.jobs().completed() + 2, task.jobs().admitted());
  EXPECT_GT(task.response_p50_us(), 0);
  EXPECT_GT(task.mret_us(), 0);
  EXPECT_GT(task.execution_us(), 0U);
  EXPECT_GT(end.gpus(0).contexts(0).busy_us(), 0U);
}

TEST(Apply, AChangeOfPeriodTakesEffectInPlaceAndKeepsTheCounters) {
  Bed bed;
  auto desired = bed.desired(1);
  addTask(desired, "a", bed.chainDigest());
  bed.serve(desired);
  const auto before = bed.waitFor([](const auto& state) { return released(state, "a") >= 20; });
  desired.set_generation(2);
  desired.mutable_tasks(0)->set_period_us(500'000);
  desired.mutable_tasks(0)->set_deadline_us(500'000);
  ASSERT_TRUE(bed.apply(desired).ok());
  const auto changed = bed.waitFor([](const auto& state) { return state.applied_generation() == 2; });
  EXPECT_EQ(find(changed, "a")->phase(), wire::TASK_PHASE_SERVING) << "no restart";
  EXPECT_GE(released(changed, "a"), released(before, "a"));
  const auto base = changed.time_us();
  const auto later = bed.waitFor([&](const auto& state) { return state.time_us() >= base + 2'000'000; });
  EXPECT_LE(released(later, "a") - released(changed, "a"), 8U)
      << "four or five periods of 500 ms, and what was not told";
  EXPECT_GE(released(later, "a") - released(changed, "a"), 3U);
}

TEST(Apply, TwiceTheSameChangesNothing) {
  Bed bed;
  auto desired = bed.desired(1);
  addTask(desired, "a", bed.chainDigest());
  bed.serve(desired);
  const auto before = bed.waitFor([](const auto& state) { return released(state, "a") >= 5; });
  ASSERT_TRUE(bed.apply(desired).ok());
  ASSERT_TRUE(bed.apply(desired).ok());
  bool servedThroughout = true;
  const auto after = bed.waitFor([&](const auto& state) {
    servedThroughout =
        servedThroughout && serves(state, "a") && released(state, "a") >= released(before, "a");
    return released(state, "a") >= released(before, "a") + 20;
  });
  EXPECT_TRUE(servedThroughout);
  EXPECT_EQ(after.models_size(), before.models_size());
}

TEST(Apply, ATaskMayTurnFromRequestsToPeriodicReleasesAndBack) {
  Bed bed;
  auto desired = bed.desired(1);
  addTask(desired, "a", bed.chainDigest()).set_release(wire::RELEASE_ON_REQUEST);
  bed.serve(desired);
  const auto idle = bed.waitFor([](const auto& state) { return serves(state, "a"); });
  bed.waitFor([&](const auto& state) { return state.time_us() > idle.time_us() + 500'000; });
  desired.set_generation(2);
  desired.mutable_tasks(0)->set_release(wire::RELEASE_PERIODIC);
  bed.serve(desired);
  const auto periodic = bed.waitFor([](const auto& state) { return released(state, "a") >= 10; });
  // The points that passed while it took requests are not made up for, nor counted.
  EXPECT_LE(static_cast<std::int64_t>(released(periodic, "a")),
            (periodic.time_us() - idle.time_us() - 500'000) / 20'000 + 2);

  desired.set_generation(3);
  desired.mutable_tasks(0)->set_release(wire::RELEASE_ON_REQUEST);
  bed.serve(desired);
  const auto still = bed.waitFor([](const auto& state) { return state.applied_generation() == 3; });
  const auto later =
      bed.waitFor([&](const auto& state) { return state.time_us() > still.time_us() + 500'000; });
  EXPECT_LE(released(later, "a"), released(still, "a") + 3) << "what was not told yet, and no more";
}

TEST(Apply, CountersStartFromWhatWasCarried) {
  Bed bed;
  auto desired = bed.desired(1);
  auto& task = addTask(desired, "a", bed.chainDigest());
  task.mutable_carried()->set_released(1'000'000);
  task.mutable_carried()->set_missed(3);
  task.set_carried_migrations(2);
  bed.serve(desired);
  const auto state = bed.waitFor([](const auto& seen) { return released(seen, "a") > 1'000'002; });
  EXPECT_GE(find(state, "a")->jobs().missed(), 3U);
  EXPECT_GE(find(state, "a")->migrations().count(), 2U);
}

TEST(Apply, ARemovedTaskDrainsAndItsModelIsUnloaded) {
  Bed bed;
  auto desired = bed.desired(1);
  addTask(desired, "a", bed.chainDigest());
  addTask(desired, "b", bed.chainDigest());
  bed.serve(desired);
  desired.set_generation(2);
  desired.mutable_tasks()->DeleteSubrange(1, 1);
  ASSERT_TRUE(bed.apply(desired).ok());
  const auto without = bed.waitFor([](const auto& state) { return state.applied_generation() == 2; });
  EXPECT_EQ(find(without, "b"), nullptr);
  bed.waitFor([&](const auto& state) { return released(state, "a") > released(without, "a") + 5; });
  auto empty = bed.desired(3);
  empty.clear_models();
  ASSERT_TRUE(bed.apply(empty).ok());
  const auto state = bed.waitFor([](const auto& seen) {
    return seen.applied_generation() == 3 && seen.models_size() == 0 && seen.gpus(0).contexts_size() == 2 &&
           seen.gpus(0).contexts(0).low_utilization_e9() == 0;
  });
  EXPECT_EQ(state.tasks_size(), 0);
}

TEST(Apply, ABadModelFailsAloneAndRunsOnceItIsRight) {
  Bed bed;
  auto desired = bed.desired(1);
  addTask(desired, "good", bed.chainDigest());
  const std::string digest = fragile_package().digest();
  const std::filesystem::path artifact = bed.modelRoot() / "fragile/openvino/batch-1/only.onnx";
  const std::string whole = read_file(artifact);
  write_file(artifact, whole.substr(0, whole.size() / 2));
  addTask(desired, "bad", digest);
  ASSERT_TRUE(bed.apply(desired).ok());
  const auto state = bed.waitFor([&](const auto& seen) {
    return serves(seen, "good") && modelIs(seen, digest, wire::MODEL_PHASE_FAILED);
  });
  EXPECT_EQ(find(state, "bad")->phase(), wire::TASK_PHASE_REFUSED);
  EXPECT_EQ(find(state, "bad")->reason(), "ModelFailed");
  EXPECT_NE(find(state, "bad")->message().find("only.onnx"), std::string::npos)
      << find(state, "bad")->message();
  bed.waitFor([&](const auto& seen) { return released(seen, "good") > released(state, "good") + 5; });
  write_file(artifact, whole);
  desired.set_generation(2);
  bed.serve(desired);
}

TEST(Apply, AModelThatComesLaterIsFoundWithoutANewApply) {
  Bed bed;
  std::filesystem::rename(bed.modelRoot() / "chain", bed.modelRoot() / "elsewhere");
  auto desired = bed.desired(1);
  addTask(desired, "a", bed.chainDigest());
  ASSERT_TRUE(bed.apply(desired).ok());
  const auto state = bed.waitFor(
      [&](const auto& seen) { return modelIs(seen, bed.chainDigest(), wire::MODEL_PHASE_FAILED); });
  EXPECT_NE(find(state, "a")->message().find("NotFound"), std::string::npos);
  std::filesystem::rename(bed.modelRoot() / "elsewhere", bed.modelRoot() / "chain");
  bed.waitFor([](const auto& seen) { return serves(seen, "a"); });
}

TEST(Apply, RefusalsNameWhatIsWrongAndOthersRunOn) {
  Bed bed;
  auto desired = bed.desired(1);
  addTask(desired, "good", bed.chainDigest());
  addTask(desired, "context", bed.chainDigest()).set_context(7);
  addTask(desired, "gpu", bed.chainDigest()).set_gpu_uuid("gpu-9");
  addTask(desired, "batch", bed.chainDigest()).set_batch_size(3);
  addTask(desired, "period", bed.chainDigest()).set_period_us(0);
  auto& heavy = addTask(desired, "heavy", bed.chainDigest());
  heavy.set_priority(wire::PRIORITY_HIGH);
  heavy.set_period_us(10);
  heavy.set_deadline_us(10);
  ASSERT_TRUE(bed.apply(desired).ok());
  const auto state = bed.waitFor([](const auto& seen) { return released(seen, "good") > 3; });
  const std::map<std::string, std::pair<std::string, std::string>> refusals{
      {"context", {"UnknownContext", "context 7 of cpu-0 does not exist"}},
      {"gpu", {"UnknownGpu", "gpu-9"}},
      {"batch", {"BatchNotInPackage", "it has 1, 2"}},
      {"period", {"InvalidTask", "period_us is 0"}},
      {"heavy", {"Overcommitted", "> 0.75 on context 0"}}};
  for (const auto& [name, words] : refusals) {
    EXPECT_EQ(find(state, name)->phase(), wire::TASK_PHASE_REFUSED) << name;
    EXPECT_EQ(find(state, name)->reason(), words.first);
    EXPECT_NE(find(state, name)->message().find(words.second), std::string::npos)
        << find(state, name)->message();
  }
}

TEST(Apply, AnotherPartitionIsTakenWithTheTasksAndCountersKept) {
  Bed bed;
  auto desired = bed.desired(1);
  addTask(desired, "a", bed.chainDigest());
  bed.serve(desired);
  const auto before = bed.waitFor([](const auto& state) { return released(state, "a") >= 10; });
  desired.set_generation(2);
  desired.mutable_policy()->set_contexts(3);
  ASSERT_TRUE(bed.apply(desired).ok());
  const auto after = bed.waitFor([&](const auto& state) {
    // Whoever reads the new generation never sees contexts of the former partition beside it.
    const bool shown = state.applied_generation() == 2U && state.gpus_size() > 0;
    EXPECT_TRUE(!shown || state.gpus(0).contexts_size() == 0 || state.gpus(0).contexts_size() == 3);
    return state.gpus_size() > 0 && state.gpus(0).contexts_size() == 3 && serves(state, "a") &&
           released(state, "a") > released(before, "a") + 5;
  });
  EXPECT_EQ(after.applied_generation(), 2U);
}

TEST(Apply, ABadPolicyIsRefusedAndTheFormerStateStaysInForce) {
  Bed bed;
  auto desired = bed.desired(1);
  addTask(desired, "a", bed.chainDigest());
  bed.serve(desired);
  desired.set_generation(2);
  desired.mutable_policy()->set_contexts(0);
  const grpc::Status status = bed.apply(desired);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "policy.contexts is 0, expected 1 to 4096");
  const auto state = bed.waitFor([](const auto& seen) { return released(seen, "a") > 5; });
  EXPECT_EQ(state.applied_generation(), 1U);
}

}  // namespace
}  // namespace daris::test
