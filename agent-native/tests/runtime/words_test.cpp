#include "runtime/words.hpp"

#include <gtest/gtest.h>

#include "runtime/request.hpp"

namespace daris::runtime {
namespace {

sched::AdmissionTerms terms(std::uint32_t context, std::int64_t activeE9, std::int64_t utilE9,
                            std::int64_t remainingE9) {
  sched::AdmissionTerms terms;
  terms.context = {0, context};
  terms.active = {activeE9};
  terms.util = {utilE9};
  terms.remaining = {remainingE9};
  return terms;
}

TEST(Words, DecimalsHaveNoNeedlessZeros) {
  EXPECT_EQ(decimal(0.82), "0.82");
  EXPECT_EQ(decimal(1), "1");
  EXPECT_EQ(decimal(0.1251), "0.125");
  EXPECT_EQ(decimal(100), "100");
}

TEST(Words, DurationsTakeTheirUnit) {
  EXPECT_EQ(duration(850), "850us");
  EXPECT_EQ(duration(12'500), "12.5ms");
  EXPECT_EQ(duration(3'000'000), "3s");
}

TEST(Words, ARejectionShowsTheInequalityOfEachContext) {
  const std::vector tested{terms(0, 820'000'000, 140'000'000, 900'000'000),
                           terms(1, 900'000'000, 140'000'000, 1'000'000'000)};
  EXPECT_EQ(rejection(tested, sched::Priority::Low, 1, 0, 0),
            "admission: active 0.82 + 0.14 >= 1 - 0.1 on context 0; active 0.9 + 0.14 >= 1 - 0 on context 1");
}

TEST(Words, ARejectionByPredictionShowsTheFinish) {
  sched::AdmissionTerms late = terms(0, 100'000'000, 140'000'000, 900'000'000);
  late.fits = true;
  late.predicted = sched::PredictedFinish{2 * 1'012'000, 2};
  EXPECT_EQ(rejection(std::vector{late}, sched::Priority::Low, 2, 1'000'000, 10'000),
            "admission: predicted finish after 12ms > deadline 10ms on context 0");
}

TEST(Words, EveryAnswerIsExplained) {
  Outcome outcome;
  outcome.retryAfterUs = 2000;
  outcome.lateUs = 1500;
  outcome.error = "out of luck";
  const auto words = [&](Answer answer) {
    outcome.answer = answer;
    return explain(outcome, "camera.default");
  };
  EXPECT_NE(words(Answer::Early).find("retry in 2ms"), std::string::npos);
  EXPECT_NE(words(Answer::Dropped).find("1.5ms past its deadline"), std::string::npos);
  EXPECT_NE(words(Answer::Failed).find("out of luck"), std::string::npos);
  EXPECT_NE(words(Answer::Superseded).find("camera.default"), std::string::npos);
  EXPECT_NE(words(Answer::Ended).find("no longer served"), std::string::npos);
}

}  // namespace
}  // namespace daris::runtime
