// A client's tensors against a model: each fault is named with the tensor and what was expected.
#include "runtime/tensors.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "runtime/error.hpp"

namespace daris::runtime {
namespace {

model::Manifest manifest() {
  model::Manifest manifest;
  manifest.inputs = {{"image", model::Datatype::kFp32, {-1, 2, 2}},
                     {"scale", model::Datatype::kInt64, {-1, 1}}};
  manifest.outputs = {{"scores", model::Datatype::kFp32, {-1, 10}}};
  return manifest;
}

/// Two sound inputs at batch 2, in another order than the manifest's.
struct Given {
  std::vector<std::byte> image = std::vector<std::byte>(32, std::byte{1});
  std::vector<std::byte> scale = std::vector<std::byte>(16, std::byte{2});
  std::vector<std::int64_t> imageShape{2, 2, 2};
  std::vector<std::int64_t> scaleShape{2, 1};
  std::vector<InputTensor> tensors{{"scale", "INT64", scaleShape, scale},
                                   {"image", "FP32", imageShape, image}};
};

TEST(Tensors, AreArrangedInTheOrderOfTheManifest) {
  const Given given;
  const auto inputs = arrange(manifest(), 2, given.tensors);
  ASSERT_EQ(inputs.size(), 2U);
  EXPECT_TRUE(std::ranges::equal(inputs[0], given.image));
  EXPECT_TRUE(std::ranges::equal(inputs[1], given.scale));
}

struct Fault {
  const char* name;
  std::function<void(Given&)> spoil;
  std::string words;
};

class BadTensor : public testing::TestWithParam<Fault> {};

TEST_P(BadTensor, IsNamedWithWhatWasExpected) {
  Given given;
  GetParam().spoil(given);
  try {
    static_cast<void>(arrange(manifest(), 2, given.tensors));
    FAIL() << "accepted";
  } catch (const InvalidArgument& error) {
    EXPECT_EQ(error.what(), GetParam().words);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Tensors, BadTensor,
    testing::Values(
        Fault{"Name", [](Given& given) { given.tensors[1].name = "imag"; },
              "tensor 'imag' is not an input; the inputs are: image FP32 [2,2,2], scale INT64 [2,1]"},
        Fault{"Twice", [](Given& given) { given.tensors[0] = given.tensors[1]; },
              "tensor 'image' is there twice, expected once"},
        Fault{"Missing", [](Given& given) { given.tensors.pop_back(); },
              "tensor 'image' is missing, expected FP32 [2,2,2]"},
        Fault{"Datatype", [](Given& given) { given.tensors[1].datatype = "FP16"; },
              "tensor 'image' has datatype 'FP16', expected FP32 [2,2,2]"},
        Fault{"Batch", [](Given& given) { given.imageShape[0] = 1; },
              "tensor 'image' has shape [1,2,2], expected FP32 [2,2,2]"},
        Fault{"Shape", [](Given& given) { given.imageShape[1] = 3; },
              "tensor 'image' has shape [2,3,2], expected FP32 [2,2,2]"},
        Fault{"Length", [](Given& given) { given.tensors[1].bytes = given.tensors[1].bytes.first(31); },
              "tensor 'image' has 31 bytes, expected 32 for FP32 [2,2,2]"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace daris::runtime
