// Numbers and strings as text.
#include "trace/text.hpp"

#include <gtest/gtest.h>

namespace daris::trace {
namespace {

std::string utilization(sched::Wide billionths) {
  std::string out;
  appendUtilization(out, {billionths});
  return out;
}

TEST(Text, UtilizationsAreExactDecimals) {
  EXPECT_EQ(utilization(0), "0");
  EXPECT_EQ(utilization(1), "0.000000001");
  EXPECT_EQ(utilization(19'500'196), "0.019500196");
  EXPECT_EQ(utilization(1'100'000'000), "1.1");
  EXPECT_EQ(utilization(-500'000'000), "-0.5");
  EXPECT_EQ(utilization(static_cast<sched::Wide>(kMaxTimeUs) * 256 * sched::kBillion * 1000),
            "2305843009213693952000");
  EXPECT_EQ(utilization(static_cast<sched::Wide>(UINT64_MAX) * sched::kBillion + 5),
            "18446744073709551615.000000005");
}

TEST(Text, DoublesAreTheShortestThatReadBack) {
  std::string out;
  for (const double value : {0.1, 710.0, 1.0 / 3}) {
    appendDouble(out, value);
    out.push_back(' ');
  }
  EXPECT_EQ(out, "0.1 710 0.3333333333333333 ");
}

TEST(Text, StringsAreEscaped) {
  std::string out;
  appendQuoted(out, "a\"b\\c\n\x01\xc3\xa9");
  EXPECT_EQ(out, "\"a\\\"b\\\\c\\u000a\\u0001\xc3\xa9\"");
}

}  // namespace
}  // namespace daris::trace
