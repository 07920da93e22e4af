// Paths that stay below a folder: checked as text, and opened so that the kernel checks them again.
#pragma once

#include <string>
#include <string_view>

#include "base/unique_fd.hpp"

namespace daris::model {

/// Throws PackageError UnsafePath, naming `where`, unless `path` is relative, at most 1024 bytes, and all of
/// its parts are names ('/' between them; no empty part, `.`, `..`, backslash or control character).
void check_safe_path(std::string_view path, const std::string& where);

/// Opens `path` below the folder `directory` for reading. No symlink is followed in any part of it and
/// nothing outside of the folder is reached, even while somebody renames things (openat2). Never blocks on a
/// pipe. Throws PackageError, naming `path`: NotFound, UnsafePath, Unreadable.
[[nodiscard]] UniqueFd open_beneath(int directory, const std::string& path);

}  // namespace daris::model
