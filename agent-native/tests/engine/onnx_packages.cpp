#include "engine/onnx_packages.hpp"

namespace daris::test {
namespace {

using nlohmann::json;

void add_artifact(PackageContent& package, const std::string& stage, std::uint32_t batch,
                  const std::string& onnx) {
  const std::string file = "openvino/batch-" + std::to_string(batch) + "/" + stage + ".onnx";
  package.files[file] = onnx_file(onnx);
  package.manifest["artifacts"].push_back(
      {{"engine", "openvino"}, {"stage", stage}, {"batch", batch}, {"arch", "any"}, {"file", file}});
}

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

}  // namespace

std::string onnx_file(const std::string& name) {
  return read_file(std::filesystem::path(DARIS_TEST_ONNX_DIR) / (name + ".onnx"));
}

PackageContent chain_package(const std::vector<std::uint32_t>& batches) {
  PackageContent package{.manifest = json::parse(R"({
    "formatVersion": 1,
    "name": "chain",
    "inputs": [{"name": "image", "datatype": "FP32", "shape": [-1, 3, 16, 16]}],
    "outputs": [{"name": "scores", "datatype": "FP32", "shape": [-1, 10]}],
    "tensors": [{"name": "stage-0/out", "datatype": "FP32", "shape": [-1, 8, 16, 16]},
                {"name": "stage-1/out", "datatype": "FP32", "shape": [-1, 8, 16, 16]},
                {"name": "stage-2/out", "datatype": "FP32", "shape": [-1, 8, 16, 16]}],
    "stages": [{"name": "stage-0", "inputs": ["image"], "outputs": ["stage-0/out"]},
               {"name": "stage-1", "inputs": ["stage-0/out"], "outputs": ["stage-1/out"]},
               {"name": "stage-2", "inputs": ["stage-1/out"], "outputs": ["stage-2/out"]},
               {"name": "stage-3", "inputs": ["stage-2/out", "stage-0/out"], "outputs": ["scores"]}],
    "samples": [{"input": "image", "file": "samples/image.bin"}],
    "artifacts": []
  })"),
                         .files = {}};
  for (const std::uint32_t batch : batches) {
    for (int stage = 0; stage < 4; ++stage) {
      const std::string index = std::to_string(stage);
      add_artifact(package, "stage-" + index, batch, "chain-" + index + "-b" + std::to_string(batch));
    }
  }
  std::vector<float> image(3 * 16 * 16);
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>(i % 17) / 17;
  package.files["samples/image.bin"] = bytes_of(image);
  package.seal();
  return package;
}

PackageContent fragile_package() {
  PackageContent package{.manifest = json::parse(R"({
    "formatVersion": 1,
    "name": "fragile",
    "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 4]},
               {"name": "axis", "datatype": "INT64", "shape": [-1, 2]}],
    "outputs": [{"name": "y", "datatype": "FP32", "shape": [-1, 4]}],
    "tensors": [],
    "stages": [{"name": "only", "inputs": ["x", "axis"], "outputs": ["y"]}],
    "samples": [{"input": "axis", "file": "samples/axis.bin"}],
    "artifacts": []
  })"),
                         .files = {{"samples/axis.bin", bytes_of(std::vector<std::int64_t>{1, 0})}}};
  add_artifact(package, "only", 1, "fragile");
  package.seal();
  return package;
}

PackageContent patient_package() {
  PackageContent package{.manifest = json::parse(R"({
    "formatVersion": 1,
    "name": "patient",
    "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 4]},
               {"name": "rounds", "datatype": "INT64", "shape": [-1, 1]}],
    "outputs": [{"name": "y", "datatype": "FP32", "shape": [-1, 4]}],
    "tensors": [],
    "stages": [{"name": "only", "inputs": ["x", "rounds"], "outputs": ["y"]}],
    "samples": [{"input": "rounds", "file": "samples/rounds.bin"}],
    "artifacts": []
  })"),
                         .files = {{"samples/rounds.bin", bytes_of(std::vector<std::int64_t>{1})}}};
  add_artifact(package, "only", 1, "patient");
  package.seal();
  return package;
}

model::Package open_content(const PackageContent& content, const TemporaryFolder& root) {
  const std::string name = content.manifest.at("name");
  write_folder(content, root.path() / name);
  return model::open_package(root.path(), "file:///" + name, content.digest());
}

}  // namespace daris::test
