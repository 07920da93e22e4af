#include "engine/torch/gpu_packages.hpp"

#include <cstdlib>
#include <stdexcept>

namespace daris::test {

namespace fs = std::filesystem;

fs::path gpu_packages() {
  const char* folder = std::getenv("DARIS_GPU_PACKAGES");
  if (folder == nullptr) throw std::runtime_error("DARIS_GPU_PACKAGES names no folder; run test/gpu/run.sh");
  return folder;
}

PackageContent gpu_package_content(const std::string& name) {
  const fs::path folder = gpu_packages() / name;
  PackageContent content{.manifest = nlohmann::json::parse(read_file(folder / "model.json")), .files = {}};
  for (const char* list : {"samples", "artifacts", "weights"}) {
    for (const auto& entry : content.manifest.value(list, nlohmann::json::array())) {
      const std::string path = entry.at("file");
      content.files[path] = read_file(folder / path);
    }
  }
  return content;
}

model::Package open_gpu_package(const std::string& name) {
  const std::string digest = "sha256:" + sha256_of(read_file(gpu_packages() / name / "model.json"));
  return model::open_package(gpu_packages(), "file:///" + name, digest);
}

model::Package open_written(const PackageContent& content, const TemporaryFolder& root) {
  write_folder(content, root.path() / "package");
  return model::open_package(root.path(), "file:///package", content.digest());
}

}  // namespace daris::test
