#include "runtime/log.hpp"

#include <gtest/gtest.h>

namespace daris::runtime {
namespace {

TEST(Log, StringsAreJson) {
  EXPECT_EQ(jsonString("plain"), "\"plain\"");
  EXPECT_EQ(jsonString("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(jsonString("line\nbreak"), "\"line\\u000abreak\"");
  EXPECT_EQ(jsonString("größer €"), "\"größer €\"");
}

TEST(Log, WhatIsNotUtf8BecomesTheReplacementCharacter) {
  EXPECT_EQ(jsonString("a\xff"), "\"a\\ufffd\"");
  EXPECT_EQ(jsonString("\xe2\x82"), "\"\\ufffd\\ufffd\"");
}

}  // namespace
}  // namespace daris::runtime
