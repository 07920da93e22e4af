#include "gpu/models.hpp"

#include <fstream>
#include <iterator>
#include <span>
#include <string>

#include "model/package.hpp"
#include "model/sha256.hpp"

namespace daris::bench {

namespace fs = std::filesystem;

model::Package open_folder(const fs::path& folder) {
  std::ifstream file(folder / "model.json", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  model::Sha256 hash;
  hash.update(std::as_bytes(std::span(text)));
  const fs::path whole = fs::canonical(folder);
  return model::open_package(whole.parent_path(), "file:///" + whole.filename().string(),
                             "sha256:" + hash.hex());
}

const std::shared_ptr<const engine::LoadedModel>& Models::of(const fs::path& folder) {
  auto& model = loaded_[folder];
  if (!model) model = engine_.load(open_folder(folder), {});
  return model;
}

}  // namespace daris::bench
