#include <archive.h>
#include <archive_entry.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <system_error>
#include <utility>

#include "model/error.hpp"
#include "model/manifest.hpp"
#include "model/safe_path.hpp"
#include "model/source.hpp"

namespace daris::model {
namespace {

struct FreeArchive {
  void operator()(archive* handle) const { ::archive_read_free(handle); }
};

// One pass over a tar's entries. A tar of a package is read anew for each file: its fd is seekable, so what
// is not wanted is skipped, and memory stays small whatever the package's size.
class TarPass {
 public:
  explicit TarPass(int fd) : archive_(::archive_read_new()) {
    if (!archive_) throw std::bad_alloc();
    constexpr std::size_t kBlock = std::size_t{1} << 18;
    if (::lseek(fd, 0, SEEK_SET) != 0) {
      throw PackageError("Unreadable", "the tar: " + std::generic_category().message(errno));
    }
    ::archive_read_support_format_tar(archive_.get());
    ::archive_read_support_format_empty(archive_.get());
    check(::archive_read_open_fd(archive_.get(), fd, kBlock));
  }

  // False after the last one.
  bool next() {
    const int result = ::archive_read_next_header(archive_.get(), &entry_);
    if (result == ARCHIVE_EOF) return false;
    check(result);
    path_ = normal_path();
    if (!is_folder()) check_plain();
    return true;
  }

  [[nodiscard]] bool is_folder() const { return ::archive_entry_filetype(entry_) == AE_IFDIR; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t bytes() const {
    return static_cast<std::uint64_t>(::archive_entry_size(entry_));
  }

  void read(const Sink& sink) {
    std::vector<std::byte> piece(std::size_t{1} << 18);
    while (true) {
      const la_ssize_t got = ::archive_read_data(archive_.get(), piece.data(), piece.size());
      if (got == 0) return;
      if (got < 0) check(static_cast<int>(got));
      sink({piece.data(), static_cast<std::size_t>(got)});
    }
  }

 private:
  void check(int result) {
    if (result == ARCHIVE_OK) return;
    const char* why = ::archive_error_string(archive_.get());
    throw PackageError("InvalidPackage",
                       "the tar is damaged: " + printable(why == nullptr ? "unknown error" : why) +
                           "; make it anew with 'tar -cf NAME.tar -C FOLDER .'");
  }

  // `tar -C FOLDER .` writes './a' for a, and 'a/' for a folder.
  [[nodiscard]] std::string normal_path() const {
    const char* name = ::archive_entry_pathname(entry_);
    std::string path = name == nullptr ? "" : name;
    if (path.starts_with("./")) path.erase(0, 2);
    if (is_folder()) {
      if (path.ends_with('/')) path.pop_back();
      if (path.empty() || path == ".") return ".";
    }
    check_safe_path(path, "a path in the tar");
    return path;
  }

  void check_plain() const {
    const bool is_link =
        ::archive_entry_hardlink(entry_) != nullptr || ::archive_entry_symlink(entry_) != nullptr;
    if (!is_link && ::archive_entry_filetype(entry_) == AE_IFREG) return;
    throw PackageError("UnsafePath",
                       printable(path_) + (is_link ? " is a link" : " is a device or pipe") +
                           " in the tar; a package holds plain files only (tar --hard-dereference)");
  }

  std::unique_ptr<archive, FreeArchive> archive_;
  archive_entry* entry_ = nullptr;
  std::string path_;
};

class TarSource : public Source {
 public:
  explicit TarSource(UniqueFd tar) : tar_(std::move(tar)) {}

  [[nodiscard]] std::vector<SourceEntry> entries() const override {
    std::vector<SourceEntry> files;
    std::set<std::string> seen;
    TarPass pass(tar_.get());
    for (std::size_t headers = 0; pass.next(); ++headers) {
      if (headers > 2 * kMaxFiles || files.size() > kMaxFiles) {
        throw PackageError("TooLarge", "the tar has more than " + std::to_string(kMaxFiles) + " files");
      }
      if (pass.is_folder()) continue;
      if (!seen.insert(pass.path()).second) {
        throw PackageError("InvalidPackage", printable(pass.path()) + " is twice in the tar");
      }
      files.push_back({pass.path(), pass.bytes()});
    }
    return files;
  }

  void read(const std::string& path, const Sink& sink) const override {
    TarPass pass(tar_.get());
    while (pass.next()) {
      if (!pass.is_folder() && pass.path() == path) return pass.read(sink);
    }
    throw PackageError("NotFound", printable(path) + " is not in the tar");
  }

  [[nodiscard]] int place() const noexcept override { return tar_.get(); }

 private:
  UniqueFd tar_;
};

}  // namespace

std::unique_ptr<Source> make_tar_source(UniqueFd tar) {
  return std::make_unique<TarSource>(std::move(tar));
}

}  // namespace daris::model
