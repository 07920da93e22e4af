#include "engine/torch/artifact_file.hpp"

#include <stdlib.h>

#include <cerrno>
#include <fstream>
#include <system_error>

namespace daris::engine::torch {

ArtifactFile::ArtifactFile(std::span<const std::byte> bytes) {
  std::string name = (std::filesystem::temp_directory_path() / "daris-stage-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::system_error(errno, std::generic_category(), name);
  folder_ = name;
  std::ofstream file(path(), std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) {
    const std::string text = path() + ": cannot be written; give TMPDIR a folder with room";
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
    throw std::runtime_error(text);
  }
}

ArtifactFile::~ArtifactFile() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace daris::engine::torch
