// The .pt2 file of a stage, as a file of our own that nobody else can change: torch opens by path, more than
// once.
#pragma once

#include <filesystem>
#include <span>
#include <string>

namespace daris::engine::torch {

/// A file in a folder of its own that only this user may enter; both are removed at the end.
class ArtifactFile {
 public:
  /// Throws std::runtime_error where the temporary folder (TMPDIR) cannot be written.
  explicit ArtifactFile(std::span<const std::byte> bytes);
  ArtifactFile(const ArtifactFile&) = delete;
  ArtifactFile& operator=(const ArtifactFile&) = delete;
  ~ArtifactFile();

  [[nodiscard]] std::string path() const { return (folder_ / "stage.pt2").string(); }

 private:
  std::filesystem::path folder_;
};

}  // namespace daris::engine::torch
