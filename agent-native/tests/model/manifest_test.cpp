// The manifest's parser: what it reads, and a table of what it refuses, with the field that it names.
#include "model/manifest.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "model/error.hpp"
#include "packages/package_writer.hpp"

namespace daris::model {
namespace {

using nlohmann::json;

TEST(Manifest, ReadsAllFields) {
  const test::PackageContent package = test::two_stages();
  const Manifest manifest = parse_manifest(package.manifest_text());
  EXPECT_EQ(manifest.name, "two-stages");
  ASSERT_EQ(manifest.stages.size(), 2U);
  EXPECT_EQ(manifest.stages[1].inputs, std::vector<std::string>{"middle"});
  ASSERT_NE(manifest.tensor("middle"), nullptr);
  EXPECT_EQ(manifest.tensor("middle")->datatype, Datatype::kInt8);
  EXPECT_EQ(manifest.tensor("middle")->element_bytes(), 12U);
  EXPECT_EQ(manifest.tensor("in")->element_bytes(), 8U);
  EXPECT_EQ(manifest.tensor("other"), nullptr);
  EXPECT_EQ(manifest.artifacts[1].file.path, "none/batch-1/01-second.txt");
  EXPECT_EQ(manifest.artifacts[1].file.bytes, 16U);
  EXPECT_EQ(manifest.batches("none"), std::vector<std::uint32_t>{1});
  EXPECT_TRUE(manifest.batches("openvino").empty());
}

TEST(Manifest, StageMayReadAnyEarlierOutputAndModelInput) {
  test::PackageContent package = test::two_stages();
  package.manifest["stages"][1]["inputs"] = {"middle", "in"};
  EXPECT_EQ(parse_manifest(package.manifest_text()).stages[1].inputs.size(), 2U);
}

// The build of the test package's artifacts, which are for engine "none" and arch "any".
json build_entry() {
  return {{"engine", "none"},    {"arch", "any"}, {"version", "2.11.0+cu130"}, {"cuda", "13.0"},
          {"precision", "FP16"}, {"tf32", false}, {"layout", "channels_last"}, {"tolerance", 0.02}};
}

TEST(Manifest, ReadsWhatCompiledTheArtifacts) {
  test::PackageContent package = test::two_stages();
  package.manifest["builds"] = {build_entry()};
  const Manifest manifest = parse_manifest(package.manifest_text());
  const Build* build = manifest.build("none", "any");
  ASSERT_NE(build, nullptr);
  EXPECT_EQ(build->version, "2.11.0+cu130");
  EXPECT_EQ(build->cuda, "13.0");
  EXPECT_EQ(build->precision, Datatype::kFp16);
  EXPECT_FALSE(build->tf32);
  EXPECT_EQ(build->layout, Layout::kChannelsLast);
  EXPECT_DOUBLE_EQ(build->tolerance, 0.02);
  EXPECT_EQ(manifest.build("none", "sm_90"), nullptr);
  EXPECT_EQ(manifest.build("torch", "any"), nullptr);
}

TEST(Manifest, BatchesOfOneArch) {
  test::PackageContent package = test::two_stages();
  const json artifacts = package.manifest["artifacts"];
  for (json artifact : artifacts) {
    artifact["arch"] = "sm_90";
    artifact["batch"] = 8;
    package.manifest["artifacts"].push_back(artifact);
  }
  const Manifest manifest = parse_manifest(package.manifest_text());
  EXPECT_EQ(manifest.batches("none", "any"), std::vector<std::uint32_t>{1});
  EXPECT_EQ(manifest.batches("none", "sm_90"), std::vector<std::uint32_t>{8});
  EXPECT_EQ(manifest.batches("none"), (std::vector<std::uint32_t>{1, 8}));
  EXPECT_TRUE(manifest.batches("none", "sm_80").empty());
}

void add_build(json& manifest, const std::string& field, const json& value) {
  manifest["builds"] = {build_entry()};
  manifest["builds"][0][field] = value;
}

struct Refusal {
  std::string name;
  std::function<void(json&)> damage;
  std::string reason;
  std::string says;
};

void PrintTo(const Refusal& refusal, std::ostream* out) {
  *out << refusal.name;
}

class ManifestRefusals : public testing::TestWithParam<Refusal> {};

TEST_P(ManifestRefusals, NamesTheField) {
  json manifest = test::two_stages().manifest;
  GetParam().damage(manifest);
  try {
    (void)parse_manifest(manifest.dump());
    FAIL() << "accepted";
  } catch (const PackageError& error) {
    EXPECT_EQ(error.reason(), GetParam().reason) << error.what();
    EXPECT_NE(std::string(error.what()).find(GetParam().says), std::string::npos) << error.what();
  }
}

json file_entry(const std::string& path) {
  return {{"engine", "none"}, {"stage", "first"}, {"batch", 2},
          {"arch", "any"},    {"file", path},     {"sha256", std::string(64, 'a')},
          {"bytes", 1}};
}

// Weights of the test package's first stage.
json weights_entry() {
  json entry = file_entry("none/weights/00-first.bin");
  entry.erase("batch");
  return entry;
}

TEST(Manifest, ReadsWeightsThatBatchSizesShare) {
  test::PackageContent package = test::two_stages();
  EXPECT_EQ(parse_manifest(package.manifest_text()).files().size(), 3U);
  package.manifest["weights"] = {weights_entry()};
  const Manifest manifest = parse_manifest(package.manifest_text());
  ASSERT_EQ(manifest.weights.size(), 1U);
  EXPECT_EQ(manifest.weights[0].stage, "first");
  EXPECT_EQ(manifest.files().back()->path, "none/weights/00-first.bin");
}

const Refusal kRefusals[] = {
    {"NotAnObject", [](json& m) { m = json::array(); }, "InvalidPackage",
     "the document is a list; expected an object"},
    {"UnknownTopField", [](json& m) { m["author"] = 1; }, "InvalidPackage", "unknown field 'author'"},
    {"UnknownStageField", [](json& m) { m["stages"][1]["gpu"] = 1; }, "InvalidPackage",
     "stages[1]: unknown field 'gpu'"},
    {"MissingField", [](json& m) { m.erase("outputs"); }, "InvalidPackage", "outputs is missing"},
    {"MissingNested", [](json& m) { m["artifacts"][0].erase("sha256"); }, "InvalidPackage",
     "artifacts[0].sha256 is missing"},
    {"OtherVersion", [](json& m) { m["formatVersion"] = 2; }, "InvalidPackage",
     "formatVersion is 2; expected an integer from 1 to 1"},
    {"NameIsNumber", [](json& m) { m["name"] = 7; }, "InvalidPackage", "name is 7; expected a name"},
    {"NameIsEmpty", [](json& m) { m["stages"][0]["name"] = ""; }, "InvalidPackage", "stages[0].name"},
    {"StagesIsObject", [](json& m) { m["stages"] = json::object(); }, "InvalidPackage",
     "stages is an object; expected a list"},
    {"NoStages", [](json& m) { m["stages"] = json::array(); }, "InvalidPackage", "stages has 0 entries"},
    {"TooManyStages", [](json& m) { m["stages"] = json(65, m["stages"][0]); }, "InvalidPackage",
     "stages has 65 entries; expected 1 to 64"},
    {"Datatype", [](json& m) { m["inputs"][0]["datatype"] = "FLOAT"; }, "InvalidPackage",
     "inputs[0].datatype is \"FLOAT\"; expected one of FP32, FP16"},
    {"ShapeWithoutBatch",
     [](json& m) {
       m["inputs"][0]["shape"] = {1, 2};
     },
     "InvalidPackage", "inputs[0].shape[0] is 1; expected [-1, ...]"},
    {"ShapeWithZero",
     [](json& m) {
       m["inputs"][0]["shape"] = {-1, 0};
     },
     "InvalidPackage", "inputs[0].shape[1] is 0"},
    {"ShapeWithFraction",
     [](json& m) {
       m["inputs"][0]["shape"] = {-1, 2.5};
     },
     "InvalidPackage", "inputs[0].shape[1] is 2.5"},
    {"ShapeOverflows",
     [](json& m) {
       m["inputs"][0]["shape"] = {-1, 4294967296, 4294967296, 16};
     },
     "InvalidPackage", "inputs[0].shape[1] is 4294967296"},
    {"BatchZero", [](json& m) { m["artifacts"][0]["batch"] = 0; }, "InvalidPackage",
     "artifacts[0].batch is 0"},
    {"BytesNegative", [](json& m) { m["artifacts"][0]["bytes"] = -1; }, "InvalidPackage",
     "artifacts[0].bytes is -1"},
    {"ShortDigest", [](json& m) { m["artifacts"][0]["sha256"] = "abc"; }, "InvalidPackage",
     "artifacts[0].sha256 is \"abc\"; expected 64 lower-case hex digits"},
    {"ParentPath", [](json& m) { m["artifacts"][0]["file"] = "../first.txt"; }, "UnsafePath",
     "artifacts[0].file is '../first.txt'"},
    {"InnerParentPath", [](json& m) { m["artifacts"][0]["file"] = "a/../../b"; }, "UnsafePath",
     "artifacts[0].file"},
    {"AbsolutePath", [](json& m) { m["samples"][0]["file"] = "/etc/passwd"; }, "UnsafePath",
     "samples[0].file is '/etc/passwd'"},
    {"BackslashPath", [](json& m) { m["samples"][0]["file"] = "a\\b"; }, "UnsafePath", "samples[0].file"},
    {"ZeroInPath", [](json& m) { m["samples"][0]["file"] = std::string("a\0b", 3); }, "UnsafePath",
     "samples[0].file"},
    {"ManifestAsArtifact", [](json& m) { m["artifacts"][0]["file"] = "model.json"; }, "InvalidPackage",
     "artifacts[0].file is \"model.json\""},
    {"SameTensorTwice", [](json& m) { m["tensors"].push_back(m["inputs"][0]); }, "InvalidPackage",
     "tensor 'in' occurs twice"},
    {"SameStageTwice", [](json& m) { m["stages"][1]["name"] = "first"; }, "InvalidPackage",
     "stage 'first' occurs twice"},
    {"ReadsWhatNobodyWrites", [](json& m) { m["stages"][1]["inputs"] = {"elsewhere"}; }, "InvalidPackage",
     "stage 'second' reads 'elsewhere', which is no model input and which no earlier stage writes"},
    {"ReadsWhatIsWrittenLater", [](json& m) { std::swap(m["stages"][0], m["stages"][1]); }, "InvalidPackage",
     "stage 'second' reads 'middle'"},
    {"OutputNobodyMakes",
     [](json& m) {
       m["outputs"].push_back(m["outputs"][0]);
       m["outputs"][1]["name"] = "more";
     },
     "InvalidPackage", "output 'more' is written by no stage"},
    {"WritesUndeclared", [](json& m) { m["stages"][0]["outputs"].push_back("extra"); }, "InvalidPackage",
     "stage 'first' writes 'extra', which is neither in 'outputs' nor in 'tensors'"},
    {"WritesTwice", [](json& m) { m["stages"][1]["outputs"].push_back("middle"); }, "InvalidPackage",
     "stage 'second' writes 'middle', which stage 'first' writes already"},
    {"WritesModelInput", [](json& m) { m["stages"][0]["outputs"].push_back("in"); }, "InvalidPackage",
     "stage 'first' writes 'in', which is a model input"},
    {"SampleOfNothing", [](json& m) { m["samples"][0]["input"] = "out"; }, "InvalidPackage",
     "a sample is for 'out', which is no model input"},
    {"SampleOfOtherSize", [](json& m) { m["samples"][0]["bytes"] = 4; }, "InvalidPackage",
     "sample 'samples/in.bin' has 4 bytes; one batch element of 'in' has 8"},
    {"ArtifactOfUnknownStage", [](json& m) { m["artifacts"][0]["stage"] = "third"; }, "InvalidPackage",
     "is for stage 'third', which does not exist"},
    {"BatchWithoutAllStages",
     [](json& m) { m["artifacts"].push_back(file_entry("none/batch-2/00-first.txt")); }, "InvalidPackage",
     "stage 'second' has no artifact for engine 'none', arch 'any', batch 2"},
    {"FileTwiceWithOtherDigest", [](json& m) { m["artifacts"][1]["file"] = m["artifacts"][0]["file"]; },
     "InvalidPackage", "is named twice with different sizes or digests"},
    {"BuildsEmpty", [](json& m) { m["builds"] = json::array(); }, "InvalidPackage", "builds has 0 entries"},
    {"BuildWithoutVersion", [](json& m) { add_build(m, "version", nullptr); }, "InvalidPackage",
     "builds[0].version is null; expected a name"},
    {"BuildPrecision", [](json& m) { add_build(m, "precision", "INT8"); }, "InvalidPackage",
     "builds[0].precision is \"INT8\"; expected FP16 or FP32"},
    {"BuildTf32", [](json& m) { add_build(m, "tf32", 1); }, "InvalidPackage",
     "builds[0].tf32 is 1; expected true or false"},
    {"BuildLayout", [](json& m) { add_build(m, "layout", "NHWC"); }, "InvalidPackage",
     "builds[0].layout is \"NHWC\"; expected contiguous or channels_last"},
    {"BuildToleranceZero", [](json& m) { add_build(m, "tolerance", 0); }, "InvalidPackage",
     "builds[0].tolerance is 0; expected a number from 1e-12 to 1.0"},
    {"BuildToleranceTooLarge", [](json& m) { add_build(m, "tolerance", 1.5); }, "InvalidPackage",
     "builds[0].tolerance is 1.5"},
    {"BuildOfNoArtifact", [](json& m) { add_build(m, "arch", "sm_90"); }, "InvalidPackage",
     "the build for engine 'none', arch 'sm_90' has no artifacts"},
    {"BuildTwice",
     [](json& m) {
       m["builds"] = {build_entry(), build_entry()};
     },
     "InvalidPackage", "the build for engine 'none', arch 'any' occurs twice"},
    {"CompiledCodeWithoutBuild",
     [](json& m) {
       for (json& artifact : m["artifacts"]) artifact["engine"] = "torch";
     },
     "InvalidPackage", "of engine 'torch' has no entry in 'builds' for arch 'any'"},
    {"WeightsEmpty", [](json& m) { m["weights"] = json::array(); }, "InvalidPackage",
     "weights has 0 entries"},
    {"WeightsOfABatch",
     [](json& m) {
       m["weights"] = {weights_entry()};
       m["weights"][0]["batch"] = 1;
     },
     "InvalidPackage", "batch"},
    {"WeightsOfNoArtifact",
     [](json& m) {
       m["weights"] = {weights_entry()};
       m["weights"][0]["arch"] = "sm_90";
     },
     "InvalidPackage", "are for stage 'first' with engine 'none', arch 'sm_90', which has no artifacts"},
    {"WeightsTwice",
     [](json& m) {
       m["weights"] = {weights_entry(), weights_entry()};
     },
     "InvalidPackage", "or has weights already"},
    {"WeightsTooLarge",
     [](json& m) {
       m["weights"] = {weights_entry()};
       m["weights"][0]["bytes"] = kMaxPackageBytes;
     },
     "TooLarge", "at most 4096 files"},
    {"PackageTooLarge", [](json& m) { m["artifacts"][0]["bytes"] = kMaxPackageBytes; }, "TooLarge",
     "at most 4096 files"},
};

INSTANTIATE_TEST_SUITE_P(Table, ManifestRefusals, testing::ValuesIn(kRefusals),
                         [](const auto& info) { return info.param.name; });

std::string refusal_of(const std::string& text) {
  try {
    (void)parse_manifest(text);
  } catch (const PackageError& error) {
    return error.reason() + ": " + error.what();
  }
  return "accepted";
}

TEST(ManifestText, TruncatedJsonIsRefused) {
  const std::string text = test::two_stages().manifest_text();
  EXPECT_NE(refusal_of(text.substr(0, text.size() / 2)).find("InvalidPackage: model.json: not valid JSON"),
            std::string::npos);
}

TEST(ManifestText, FieldTwiceIsRefused) {
  std::string text = test::two_stages().manifest_text();
  text.insert(1, R"("name": "other",)");
  EXPECT_NE(refusal_of(text).find("field 'name' occurs twice"), std::string::npos);
}

TEST(ManifestText, DeepNestingIsRefused) {
  EXPECT_NE(refusal_of(std::string(500'000, '[')).find("nested deeper"), std::string::npos);
}

TEST(ManifestText, OversizedIsRefused) {
  EXPECT_NE(refusal_of(std::string(kMaxManifestBytes + 1, ' ')).find("TooLarge"), std::string::npos);
}

}  // namespace
}  // namespace daris::model
