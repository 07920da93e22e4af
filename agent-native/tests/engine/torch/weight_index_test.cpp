// Where weights lie: what `daris-package torch` writes is read, and nothing beyond the file is ever reached.
#include "engine/torch/weight_index.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace daris::engine::torch {
namespace {

std::string refusal_of(std::string_view text, std::uint64_t bytes) {
  try {
    (void)parse_weight_index(text, bytes);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(WeightIndex, ReadsNamesShapesAndOffsets) {
  const auto places = parse_weight_index(
      R"([["conv.weight","float16",[8,3,3,3],[27,1,9,3],256],["scale","float32",[],[],0],["none","int64",[0,4],[4,1],704]])",
      704);
  ASSERT_EQ(places.size(), 3U);
  EXPECT_EQ(places[0].name, "conv.weight");
  EXPECT_EQ(places[0].datatype, "float16");
  EXPECT_EQ(places[0].shape, (std::vector<std::int64_t>{8, 3, 3, 3}));
  EXPECT_EQ(places[0].strides, (std::vector<std::int64_t>{27, 1, 9, 3}));
  EXPECT_EQ(places[0].offset, 256U);
  EXPECT_TRUE(places[1].shape.empty());
  EXPECT_TRUE(parse_weight_index("[]", 0).empty());
}

TEST(WeightIndex, NothingBeyondTheFileIsReached) {
  const std::string beyond = "'w' reaches beyond the stage's weights file";
  EXPECT_EQ(refusal_of(R"([["w","float16",[4],[1],8]])", 16), "");
  EXPECT_NE(refusal_of(R"([["w","float16",[4],[1],8]])", 15).find(beyond), std::string::npos);
  EXPECT_NE(refusal_of(R"([["w","float16",[4],[2],8]])", 16).find(beyond), std::string::npos);
  EXPECT_NE(refusal_of(R"([["w","uint8",[1],[1],17]])", 16).find(beyond), std::string::npos);
  EXPECT_NE(refusal_of(R"([["w","uint8",[],[],0]])", 0).find(beyond), std::string::npos);
  // Products that do not fit into 64 bits.
  const std::string huge = R"([["w","uint8",[1099511627776,1099511627776],[1099511627776,1099511627776],0]])";
  EXPECT_NE(refusal_of(huge, UINT64_MAX).find(beyond), std::string::npos);
}

TEST(WeightIndex, WhatIsNoIndexIsRefusedInWords) {
  for (const char* text : {"", "{}", "[1]", R"([["w","float16",[4],[1]]])", R"([["w","float16",[4],[1],-1]])",
                           R"([["w","float16",[4],[1,1],0]])", R"([["w","float16",[-1],[1],0]])",
                           R"([["w","float16",[4],[-1],0]])", R"([["w","complex64",[4],[1],0]])",
                           R"([["w","float16",[4],[1],3]])", R"([["w","float16",[[[[4]]]],[1],0]])"}) {
    EXPECT_NE(refusal_of(text, 1024), "") << text;
  }
}

}  // namespace
}  // namespace daris::engine::torch
