// Writes model packages for tests: real folders and tars, whole or with one thing wrong.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace daris::test {

/// A folder of its own, removed with all its content at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A package before it is written: the manifest and the files beside it, by path.
struct PackageContent {
  nlohmann::json manifest;
  std::map<std::string, std::string> files;

  /// Sets `sha256` and `bytes` of every sample, artifact and weights file to those of its file.
  void seal();
  [[nodiscard]] std::string manifest_text() const { return manifest.dump(2); }
  /// `sha256:<64 hex>` of manifest_text().
  [[nodiscard]] std::string digest() const;
};

/// A sealed package of two stages for an engine "none", whose artifacts are plain text.
[[nodiscard]] PackageContent two_stages();

[[nodiscard]] std::string sha256_of(const std::string& bytes);
void write_file(const std::filesystem::path& path, const std::string& bytes);
[[nodiscard]] std::string read_file(const std::filesystem::path& path);
void write_folder(const PackageContent& package, const std::filesystem::path& folder);

/// An entry of a tar: a file, or a link where `hard_link` or `symlink` is set.
struct TarEntry {
  std::string path;
  std::string bytes;
  std::string hard_link;
  std::string symlink;
};

/// model.json and the files of the package.
[[nodiscard]] std::vector<TarEntry> tar_entries(const PackageContent& package);
void write_tar(const std::vector<TarEntry>& entries, const std::filesystem::path& path);

}  // namespace daris::test
