// Random sequences of calls against the reference, shrunk to a short one when they disagree.
// The seed is fixed: a failure is the same on every machine. DARIS_SEQUENCES raises their number.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <sstream>

#include "audit.hpp"

namespace daris::sched {
namespace {

std::vector<Step> randomSteps(std::mt19937& random) {
  const auto byte = [&] { return static_cast<std::uint8_t>(random()); };
  std::vector<Step> steps;
  // Some sequences are mostly configuration and tasks, some mostly traffic.
  const bool calm = random() % 2 == 0;
  for (std::size_t n = 20 + random() % 300; n > 0; --n) {
    Step step{byte(), byte(), byte(), byte(), byte()};
    if (calm && steps.size() > 15 && step.kind % 16 < 3) step.kind = 3;
    if (steps.size() < 8) step.kind = steps.empty() ? 14 : 0;
    if (steps.empty()) step.a = 0;
    steps.push_back(step);
  }
  return steps;
}

/// Removes ever smaller pieces while the rest still fails, then sets values to 0 where they do not matter.
std::vector<Step> shrink(std::vector<Step> steps) {
  for (std::size_t piece = steps.size() / 2; piece > 0; piece /= 2) {
    for (std::size_t at = 0; at + piece <= steps.size();) {
      std::vector<Step> fewer(steps);
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(at),
                  fewer.begin() + static_cast<std::ptrdiff_t>(at + piece));
      if (audit(fewer)) {
        steps = std::move(fewer);
      } else {
        at += piece;
      }
    }
  }
  for (std::size_t i = 0; i < steps.size(); ++i) {
    for (std::uint8_t Step::*const field : {&Step::a, &Step::b, &Step::c, &Step::dt}) {
      std::vector<Step> simpler(steps);
      simpler[i].*field = 0;
      if (audit(simpler)) steps = std::move(simpler);
    }
  }
  return steps;
}

std::string print(const std::vector<Step>& steps) {
  std::ostringstream out;
  for (const Step& s : steps)
    out << "  {" << s.kind % 16 << ", " << int{s.a} << ", " << int{s.b} << ", " << int{s.c} << ", "
        << int{s.dt} << "},\n";
  return out.str();
}

TEST(Properties, EverySequenceOfCallsAgreesWithTheReference) {
  const char* asked = std::getenv("DARIS_SEQUENCES");
  const int sequences = asked != nullptr ? std::atoi(asked) : 1500;
  std::mt19937 random(20261121);
  for (int i = 0; i < sequences; ++i) {
    const std::vector<Step> steps = randomSteps(random);
    if (!audit(steps)) continue;
    const std::vector<Step> shortest = shrink(steps);
    FAIL() << *audit(shortest) << " in sequence " << i << ", shrunk to\n" << print(shortest);
  }
}

TEST(Properties, TheSameCallsGiveTheSameAnswers) {
  std::mt19937 random(7);
  const std::vector<Step> steps = randomSteps(random);
  std::uint64_t first = 0, second = 1;
  ASSERT_FALSE(audit(steps, &first));
  ASSERT_FALSE(audit(steps, &second));
  EXPECT_EQ(first, second);
}

}  // namespace
}  // namespace daris::sched
