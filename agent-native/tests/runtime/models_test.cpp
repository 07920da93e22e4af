// When models are loaded, tried again and dropped.
#include "runtime/models.hpp"

#include <gtest/gtest.h>

namespace daris::runtime {
namespace {

struct Attempt {
  std::string digest;
  std::uint64_t attempt;
  DurationUs delayUs;
};

/// A package at batch sizes 1 and 2, as an engine has loaded it.
class LoadedPair final : public engine::LoadedModel {
 public:
  [[nodiscard]] const model::Manifest& manifest() const override { return manifest_; }
  [[nodiscard]] const std::string& digest() const override { return digest_; }
  [[nodiscard]] const std::vector<std::uint32_t>& batches() const override { return batches_; }
  [[nodiscard]] std::uint64_t memory_bytes() const override { return 1000; }

 private:
  const model::Manifest manifest_{};
  const std::string digest_ = "d";
  const std::vector<std::uint32_t> batches_{1, 2};
};

class ModelsTest : public testing::Test {
 protected:
  static LoadResult failure(const std::string& reason) {
    LoadResult result;
    result.reason = reason;
    result.message = "because";
    return result;
  }
  /// What the loader does with the newest attempt.
  void fail(const std::string& reason) {
    ASSERT_TRUE(models_.claim(attempts_.back().digest, attempts_.back().attempt));
    models_.loaded(attempts_.back().digest, failure(reason));
  }

  /// What the loader does with a package of two batch sizes.
  void load() {
    models_.want(wanted_, true);
    ASSERT_TRUE(models_.claim("d", attempts_.back().attempt));
    LoadResult result;
    result.model = std::make_shared<const LoadedPair>();
    models_.loaded("d", std::move(result));
  }

  std::vector<Attempt> attempts_;
  Models models_{[this](std::string digest, std::uint64_t attempt, DurationUs delayUs) {
    attempts_.push_back({std::move(digest), attempt, delayUs});
  }};
  const std::vector<DesiredModel> wanted_{{"d", "file:///d"}};
};

TEST_F(ModelsTest, ANewOneIsLoadedOnce) {
  models_.want(wanted_, true);
  models_.want(wanted_, false);
  ASSERT_EQ(attempts_.size(), 1U);
  EXPECT_EQ(models_.table().at("d").phase, ModelPhase::Loading);
}

TEST_F(ModelsTest, OneThatIsNotFoundIsTriedAgainLaterAndLater) {
  models_.want(wanted_, true);
  fail("NotFound");
  ASSERT_EQ(attempts_.size(), 2U);
  EXPECT_EQ(attempts_[1].delayUs, 1'000'000);
  fail("NotFound");
  ASSERT_EQ(attempts_.size(), 3U);
  EXPECT_EQ(attempts_[2].delayUs, 2'000'000);
  EXPECT_EQ(models_.table().at("d").phase, ModelPhase::Failed);
  EXPECT_EQ(models_.table().at("d").reason, "NotFound");
}

TEST_F(ModelsTest, ABadOneIsTriedAgainOnlyOnNewDesire) {
  models_.want(wanted_, true);
  fail("DigestMismatch");
  models_.want(wanted_, false);
  EXPECT_EQ(attempts_.size(), 1U);
  models_.want(wanted_, true);
  EXPECT_EQ(attempts_.size(), 2U);
  EXPECT_EQ(models_.table().at("d").phase, ModelPhase::Failed) << "until something better is known";
}

TEST_F(ModelsTest, WhatThePackageHoldsIsToldOfOneThatTheEngineRefuses) {
  models_.want(wanted_, true);
  ASSERT_TRUE(models_.claim("d", attempts_.back().attempt));
  LoadResult refused = failure("NoArtifacts");
  refused.manifest = std::make_shared<const model::Manifest>();
  const auto manifest = refused.manifest;
  models_.loaded("d", std::move(refused));
  EXPECT_EQ(models_.table().at("d").phase, ModelPhase::Failed);
  EXPECT_EQ(models_.table().at("d").manifest, manifest);
}

TEST_F(ModelsTest, NewDesireOvertakesTheWaitForARetry) {
  models_.want(wanted_, true);
  fail("NotFound");
  models_.want(wanted_, true);
  ASSERT_EQ(attempts_.size(), 3U);
  EXPECT_EQ(attempts_[2].delayUs, 0);
  EXPECT_FALSE(models_.claim("d", attempts_[1].attempt)) << "the delayed attempt no longer counts";
  EXPECT_TRUE(models_.claim("d", attempts_[2].attempt));
}

const Models::Refused kRefused{{"d", "of a namespace that is not listed"}};

TEST_F(ModelsTest, ARefusedOneIsNeverOpened) {
  models_.want(wanted_, true, kRefused);
  EXPECT_TRUE(attempts_.empty());
  EXPECT_EQ(models_.table().at("d").phase, ModelPhase::Failed);
  EXPECT_EQ(models_.table().at("d").reason, "CompiledCodeNotAllowed");
  models_.want(wanted_, false);
  EXPECT_EQ(attempts_.size(), 1U) << "as soon as it is allowed";
  EXPECT_EQ(models_.table().at("d").phase, ModelPhase::Loading);
}

TEST_F(ModelsTest, OneThatIsRefusedAfterItWasLoadedIsGivenUpAndMayComeBack) {
  load();
  models_.want(wanted_, true, kRefused);
  EXPECT_EQ(models_.model("d"), nullptr);
  EXPECT_EQ(models_.dropUnused({}).size(), 1U);
  EXPECT_EQ(models_.dropUnused({}).size(), 0U);
  load();
  EXPECT_EQ(models_.table().at("d").phase, ModelPhase::Ready);
  EXPECT_EQ(models_.table().at("d").reason, "");
}

TEST_F(ModelsTest, WhatIsRefusedWhileItIsOrderedOrLoadedIsNotKept) {
  models_.want(wanted_, true);
  models_.want(wanted_, true, kRefused);
  EXPECT_FALSE(models_.claim("d", attempts_.back().attempt)) << "ordered before it was refused";
  models_.want(wanted_, true);
  ASSERT_TRUE(models_.claim("d", attempts_.back().attempt));
  models_.want(wanted_, true, kRefused);
  LoadResult result;
  result.model = std::make_shared<const LoadedPair>();
  models_.loaded("d", std::move(result));
  EXPECT_EQ(models_.table().at("d").reason, "CompiledCodeNotAllowed");
  EXPECT_EQ(models_.model("d"), nullptr);
  EXPECT_EQ(models_.dropUnused({}).size(), 1U);
}

TEST_F(ModelsTest, AllUrisOfADigestAreTried) {
  models_.want({{"d", "file:///wrong"}, {"d", "file:///right"}}, true);
  ASSERT_EQ(attempts_.size(), 1U);
  const auto request = models_.claim("d", attempts_[0].attempt);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->uris, (std::vector<std::string>{"file:///wrong", "file:///right"}));
}

TEST_F(ModelsTest, ALoadedOneTellsItsBatchSizesAndIsNotMeasured) {
  load();
  const ObservedModel& told = models_.table().at("d");
  EXPECT_EQ(told.phase, ModelPhase::Ready);
  EXPECT_FALSE(told.measured);
  ASSERT_EQ(told.batches.size(), 2U);
  EXPECT_EQ(told.batches[1].size, 2U);
  EXPECT_TRUE(told.batches[1].stageAfetUs.empty());
}

TEST_F(ModelsTest, MeasuresHoldUntilTheDeviceIsDividedAnew) {
  load();
  models_.measuring("d", 4, 8);
  EXPECT_EQ(models_.table().at("d").stagesMeasured, 4U);
  EXPECT_EQ(models_.table().at("d").stagesToMeasure, 8U);
  EXPECT_FALSE(models_.table().at("d").measured);
  models_.measured("d", {{{1, {100, 200}}}, "", ""});
  EXPECT_TRUE(models_.table().at("d").measured);
  models_.outdated();
  EXPECT_FALSE(models_.table().at("d").measured);
  EXPECT_EQ(models_.table().at("d").stagesToMeasure, 0U) << "measuring has not begun again";
  EXPECT_EQ(models_.table().at("d").batches.size(), 1U) << "the former ones stand in";
  models_.measuring("unknown", 1, 2);
  models_.measured("unknown", {{{1, {100}}}, "", ""});
  EXPECT_FALSE(models_.table().contains("unknown"));
}

TEST_F(ModelsTest, OneThatCannotBeMeasuredSaysSoUntilNewDesire) {
  load();
  models_.measured("d", {{}, "OutOfMemory", "no room"});
  const ObservedModel& told = models_.table().at("d");
  EXPECT_EQ(told.phase, ModelPhase::Ready) << "tasks that bring their AFETs run";
  EXPECT_EQ(told.reason, "OutOfMemory");
  EXPECT_FALSE(told.measured);
  EXPECT_EQ(told.batches.size(), 2U);
  models_.want(wanted_, false);
  EXPECT_EQ(told.reason, "OutOfMemory");
  models_.want(wanted_, true);
  EXPECT_EQ(told.reason, "");
  EXPECT_EQ(attempts_.size(), 1U) << "it is loaded already";
}

TEST_F(ModelsTest, FormerTimesStandInWhereMeasuringAnewFails) {
  load();
  models_.measured("d", {{{1, {100, 200}}}, "", ""});
  models_.outdated();
  models_.measured("d", {{}, "OutOfMemory", "no room"});
  EXPECT_EQ(models_.table().at("d").batches[0].stageAfetUs, (std::vector<DurationUs>{100, 200}));
  EXPECT_FALSE(models_.table().at("d").measured);
}

TEST_F(ModelsTest, WhatNobodyWantsOrUsesIsForgotten) {
  models_.want(wanted_, true);
  models_.want({}, false);
  static_cast<void>(models_.dropUnused({"d"}));
  EXPECT_TRUE(models_.table().contains("d"));
  static_cast<void>(models_.dropUnused({}));
  EXPECT_FALSE(models_.table().contains("d"));
  EXPECT_FALSE(models_.claim("d", attempts_[0].attempt));
}

}  // namespace
}  // namespace daris::runtime
