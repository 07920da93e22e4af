// A model package, a folder or a tar below the node's model root: opened safely and checked against
// its digest. Nothing of a package is used before its manifest and every file in it have the
// digests they should have.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.hpp"
#include "model/error.hpp"
#include "model/manifest.hpp"

namespace daris::model {

class Source;

/// An opened and verified package. Movable; `read` may be called from one thread at a time.
/// It holds the folder (or the tar) open, so renaming or deleting it does no harm.
class Package {
 public:
  Package(std::unique_ptr<Source> source, Manifest manifest, std::string digest);
  Package(Package&&) noexcept;
  Package& operator=(Package&&) noexcept;
  ~Package();

  [[nodiscard]] const Manifest& manifest() const { return manifest_; }

  /// `sha256:<64 hex>` of the bytes of model.json.
  [[nodiscard]] const std::string& digest() const { return digest_; }

  /// The bytes of a file that the manifest names. The very bytes returned were hashed and have the manifest's
  /// digest, whatever happened to the file since the package was opened.
  /// Throws PackageError: NotFound, DigestMismatch, UnsafePath. Blocks on the disk.
  [[nodiscard]] std::vector<std::byte> read(const File& file) const;

  /// Where it lies: the open folder or tar, for open_package in this process or another. It stays good
  /// whatever happens to the path. Throws std::system_error.
  [[nodiscard]] UniqueFd place() const;

 private:
  std::unique_ptr<Source> source_;
  Manifest manifest_;
  std::string digest_;
};

/// Opens `uri` (`file:///PATH`, PATH below `model_root`; a PATH that ends in `.tar` is a tar of a package's
/// content) and verifies all of it: `digest` (`sha256:<64 hex>`) against model.json, every named file against
/// the manifest, no file beside those. Reads the whole package once, streaming; blocks on the disk.
/// Throws PackageError with one of the reasons listed there.
[[nodiscard]] Package open_package(const std::filesystem::path& model_root, std::string_view uri,
                                   std::string_view digest);

/// Opens a package anew where Package::place says, with a file position of its own. model.json is verified
/// now, each other file when it is read. Throws PackageError.
[[nodiscard]] Package open_package(const UniqueFd& place, std::string_view digest);

}  // namespace daris::model
