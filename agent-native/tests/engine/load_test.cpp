// Loading: what a model tells, its AFETs, and a table of artifacts that are refused.
#include <gtest/gtest.h>

#include <functional>
#include <numeric>

#include "engine/onnx_packages.hpp"
#include "engine/openvino/openvino_engine.hpp"
#include "engine/stage_runner.hpp"

namespace daris::engine {
namespace {

using nlohmann::json;
using test::PackageContent;

constexpr const char* kFirst = "openvino/batch-1/stage-0.onnx";

class LoadTest : public testing::Test {
 protected:
  std::shared_ptr<const LoadedModel> load(const PackageContent& content) {
    return engine_->load(test::open_content(content, root_), {});
  }
  std::string refusal_of(const std::function<void()>& work) {
    try {
      work();
    } catch (const EngineError& error) {
      return error.reason() + ": " + error.what();
    }
    return "accepted";
  }

  test::TemporaryFolder root_;
  std::unique_ptr<Engine> engine_ = openvino::make_engine({test::usable_core()});
};

TEST_F(LoadTest, DescribesDeviceAndModel) {
  EXPECT_EQ(engine_->device().uuid, "cpu-0");
  EXPECT_EQ(engine_->device().units, 1U);
  EXPECT_EQ(engine_->device().engine, "openvino");
  EXPECT_FALSE(engine_->device().product.empty());
  EXPECT_FALSE(engine_->device().engine_version.empty());
  const PackageContent content = test::chain_package();
  const auto model = load(content);
  EXPECT_EQ(model->digest(), content.digest());
  EXPECT_EQ(model->manifest().stages.size(), 4U);
  std::size_t artifact_bytes = 0;
  for (const json& artifact : content.manifest["artifacts"])
    artifact_bytes += artifact["bytes"].get<std::size_t>();
  EXPECT_GE(model->memory_bytes(), artifact_bytes);
}

TEST_F(LoadTest, AfetGrowsWithTheStreamsOfACore) {
  const auto model = load(test::chain_package());
  const auto total_us = [&] {
    const auto afet_us = engine_->measure(model, 2, 50, {});
    return std::accumulate(afet_us.begin(), afet_us.end(), std::int64_t{0});
  };
  const std::int64_t alone_us = total_us();
  engine_->partition({.contexts = 4, .streams_per_context = 2, .oversubscription = 1});
  // Eight streams on one core; CPU time itself varies, but not by a factor of four.
  EXPECT_GT(total_us(), 2 * alone_us);
}

TEST_F(LoadTest, MeasuringAModelThatFailsSaysSo) {
  PackageContent content = test::fragile_package();
  content.files["samples/axis.bin"][0] = 9;
  content.seal();
  const auto model = load(content);
  EXPECT_TRUE(refusal_of([&] { (void)engine_->measure(model, 1, 1, {}); }).starts_with("StageFailed"));
}

TEST(MakeEngine, RefusesCoresThatItCannotHave) {
  EXPECT_THROW((void)openvino::make_engine({}), std::invalid_argument);
  EXPECT_THROW((void)openvino::make_engine({test::usable_core(), test::usable_core()}),
               std::invalid_argument);
  EXPECT_THROW((void)openvino::make_engine({100'000}), std::invalid_argument);
}

struct Refusal {
  std::string name;
  std::function<void(PackageContent&)> damage;
  std::string says;
};

void PrintTo(const Refusal& refusal, std::ostream* out) {
  *out << refusal.name;
}

class ArtifactRefusals : public LoadTest, public testing::WithParamInterface<Refusal> {};

// The digests are right each time: the package was made so.
TEST_P(ArtifactRefusals, NamesFileAndStage) {
  PackageContent content = test::chain_package();
  GetParam().damage(content);
  content.seal();
  const std::string refusal = refusal_of([&] { (void)load(content); });
  EXPECT_NE(refusal.find(GetParam().says), std::string::npos) << refusal;
  EXPECT_EQ(refusal_of([&] { (void)load(test::chain_package()); }), "accepted");
}

json& tensor(PackageContent& content, std::size_t i) {
  return content.manifest["tensors"][i];
}

const Refusal kRefusals[] = {
    {"Truncated", [](PackageContent& c) { c.files[kFirst].resize(c.files[kFirst].size() / 2); },
     "InvalidArtifact: 'openvino/batch-1/stage-0.onnx' (stage 'stage-0', batch 1) is not a whole ONNX file"},
    {"Empty", [](PackageContent& c) { c.files[kFirst].clear(); }, "is not a whole ONNX file"},
    {"Text", [](PackageContent& c) { c.files[kFirst] = "not a model"; }, "InvalidArtifact"},
    {"OtherStage", [](PackageContent& c) { c.files[kFirst] = test::onnx_file("chain-1-b1"); },
     "has the inputs 'stage-0/out'; model.json says 'image'"},
    {"OtherOutput", [](PackageContent& c) { c.files[kFirst] = test::onnx_file("whole-b1"); },
     "has the outputs 'scores'; model.json says 'stage-0/out'"},
    {"OtherBatch", [](PackageContent& c) { c.files[kFirst] = test::onnx_file("chain-0-b2"); },
     "has the tensor 'image' as f32 [2,3,16,16]; model.json says f32 [1,3,16,16]"},
    {"OtherShape",
     [](PackageContent& c) {
       tensor(c, 0)["shape"] = {-1, 8, 16, 15};
     },
     "has the tensor 'stage-0/out' as f32 [1,8,16,16]; model.json says f32 [1,8,16,15]"},
    {"OtherType", [](PackageContent& c) { tensor(c, 1)["datatype"] = "FP16"; },
     "has the tensor 'stage-1/out' as f32 [1,8,16,16]; model.json says f16"},
    {"DataOutside", [](PackageContent& c) { c.files[kFirst] = test::onnx_file("external"); },
     "keeps weights in another file"},
    {"OpenShapeInside",
     [](PackageContent& c) {
       c = test::fragile_package();
       c.files["openvino/batch-1/only.onnx"] = test::onnx_file("open-inside");
     },
     "(stage 'only', batch 1) has open shapes inside, at 'middle'"},
    {"OtherEngine",
     [](PackageContent& c) {
       for (json& artifact : c.manifest["artifacts"]) artifact["engine"] = "none";
     },
     "NoArtifacts: model.json lists no artifacts of engine 'openvino'"},
};

INSTANTIATE_TEST_SUITE_P(Table, ArtifactRefusals, testing::ValuesIn(kRefusals),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace daris::engine
