// The check that an ONNX file is whole and names no other file.
#include "engine/openvino/onnx_data.hpp"

#include <gtest/gtest.h>

#include "engine/onnx_packages.hpp"

namespace daris::engine::openvino {
namespace {

OnnxData check(const std::string& text) {
  return check_onnx_data(std::as_bytes(std::span(text)));
}

TEST(OnnxData, WholeFilesPass) {
  EXPECT_EQ(check(test::onnx_file("whole-b1")), OnnxData::kInside);
  EXPECT_EQ(check(test::onnx_file("fragile")), OnnxData::kInside);
}

TEST(OnnxData, ExternalWeightsAreFound) {
  EXPECT_EQ(check(test::onnx_file("external")), OnnxData::kExternal);
}

TEST(OnnxData, ExternalWeightsInsideASubgraphAreFound) {
  // ModelProto.graph.node.attribute.g.initializer with data_location = EXTERNAL.
  const std::string tensor("\x70\x01", 2);
  std::string nested = tensor;
  for (const char field : {'\x2a', '\x32', '\x2a', '\x0a', '\x3a'}) {
    nested = std::string{field, static_cast<char>(nested.size())} + nested;
  }
  EXPECT_EQ(check(nested), OnnxData::kExternal);
}

TEST(OnnxData, NoPrefixOfAFileIsTakenForAnotherFilesData) {
  const std::string whole = test::onnx_file("chain-3-b1");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // A cut between two fields of the outermost message leaves whole protobuf: OpenVINO refuses those.
    EXPECT_NE(check(whole.substr(0, size)), OnnxData::kExternal) << size;
  }
  EXPECT_EQ(check(whole.substr(0, whole.size() / 2)), OnnxData::kMalformed);
}

TEST(OnnxData, EndlessNestingIsRefused) {
  std::string nested;
  for (int i = 0; i < 121; ++i) {
    std::string length;
    for (std::size_t rest = nested.size(); length.empty() || rest > 0; rest >>= 7) {
      length += static_cast<char>((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    }
    // Alternately attribute.g, node.attribute and graph.node, below model.graph.
    const char tags[] = {'\x32', '\x2a', '\x0a'};
    nested = std::string{i == 120 ? '\x3a' : tags[i % 3]} + length + nested;
  }
  EXPECT_EQ(check(nested), OnnxData::kMalformed);
}

}  // namespace
}  // namespace daris::engine::openvino
