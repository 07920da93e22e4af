// Where the files of a package lie: a folder or a tar. Sources refuse what is unsafe, and know no manifest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"

namespace daris::model {

/// A regular file of a package.
struct SourceEntry {
  std::string path;
  std::uint64_t bytes;
};

/// Takes a file's bytes in order, a piece at a time; what it throws ends the reading.
using Sink = std::function<void(std::span<const std::byte>)>;

/// Holds its folder or tar open. Blocks on the disk; one thread at a time.
class Source {
 public:
  virtual ~Source() = default;

  /// All regular files. Throws PackageError: UnsafePath for anything that is neither file nor folder,
  /// TooLarge beyond kMaxFiles and model.json, InvalidPackage for a damaged tar, Unreadable.
  [[nodiscard]] virtual std::vector<SourceEntry> entries() const = 0;

  /// Feeds the file's bytes to `sink`. Throws PackageError NotFound, UnsafePath, Unreadable, InvalidPackage.
  virtual void read(const std::string& path, const Sink& sink) const = 0;

  /// The folder or tar itself, to be opened anew by open_source.
  [[nodiscard]] virtual int place() const noexcept = 0;
};

/// The files below an open folder.
[[nodiscard]] std::unique_ptr<Source> make_folder_source(UniqueFd folder);

/// The files of an open, uncompressed tar.
[[nodiscard]] std::unique_ptr<Source> make_tar_source(UniqueFd tar);

}  // namespace daris::model
