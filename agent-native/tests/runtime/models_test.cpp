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

TEST_F(ModelsTest, AllUrisOfADigestAreTried) {
  models_.want({{"d", "file:///wrong"}, {"d", "file:///right"}}, true);
  ASSERT_EQ(attempts_.size(), 1U);
  const auto request = models_.claim("d", attempts_[0].attempt);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->uris, (std::vector<std::string>{"file:///wrong", "file:///right"}));
}

TEST_F(ModelsTest, MeasuresHoldUntilTheDeviceIsDividedAnew) {
  models_.want(wanted_, true);
  models_.measuring("d", 4, 8);
  EXPECT_EQ(models_.table().at("d").stagesMeasured, 4U);
  EXPECT_EQ(models_.table().at("d").stagesToMeasure, 8U);
  EXPECT_FALSE(models_.table().at("d").measured);
  models_.remeasured("d", {{1, {100, 200}}});
  EXPECT_TRUE(models_.table().at("d").measured);
  models_.outdated();
  EXPECT_FALSE(models_.table().at("d").measured);
  EXPECT_EQ(models_.table().at("d").batches.size(), 1U) << "the former ones stand in";
  models_.measuring("unknown", 1, 2);
  EXPECT_FALSE(models_.table().contains("unknown"));
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
