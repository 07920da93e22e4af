#include "model/safe_path.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "model/error.hpp"

namespace daris::model {
namespace {

constexpr std::size_t kMaxPath = 1024;

bool is_part(std::string_view part) {
  return !part.empty() && part != "." && part != "..";
}

bool is_safe(std::string_view path) {
  const auto is_bad = [](unsigned char c) { return c < 0x20 || c == 0x7f || c == '\\'; };
  if (path.size() > kMaxPath || std::ranges::any_of(path, is_bad)) return false;
  while (true) {
    const std::size_t slash = path.find('/');
    if (!is_part(path.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

[[noreturn]] void refuse_open(const std::string& path, int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      throw PackageError("NotFound", printable(path) + " does not exist");
    case ELOOP:
    case EXDEV:
      throw PackageError("UnsafePath",
                         printable(path) + " leads over a symlink; put the file itself into the package");
    default:
      throw PackageError("Unreadable", printable(path) + ": " + std::generic_category().message(error));
  }
}

}  // namespace

void check_safe_path(std::string_view path, const std::string& where) {
  if (is_safe(path)) return;
  throw PackageError("UnsafePath", where + " is " + printable(path) +
                                       "; expected a path below the folder, without '..', '.', '\\', control "
                                       "characters or a '/' at its start or end");
}

UniqueFd open_beneath(int directory, const std::string& path) {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  long fd = -1;
  do {
    // glibc has no wrapper. EAGAIN: a rename raced with the walk.
    fd = ::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how);
  } while (fd < 0 && (errno == EINTR || errno == EAGAIN));
  if (fd < 0) refuse_open(path, errno);
  return UniqueFd(static_cast<int>(fd));
}

}  // namespace daris::model
