#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include "model/error.hpp"
#include "model/manifest.hpp"
#include "model/safe_path.hpp"
#include "model/source.hpp"

namespace daris::model {
namespace {

constexpr std::size_t kMaxDepth = 16;
constexpr std::size_t kMaxFolders = 1024;

[[noreturn]] void refuse_unreadable(const std::string& path, int error) {
  throw PackageError("Unreadable", printable(path) + ": " + std::generic_category().message(error));
}

[[noreturn]] void refuse_kind(const std::string& path, mode_t mode) {
  const std::string kind = S_ISLNK(mode) ? "a symlink" : "a device, socket or pipe";
  throw PackageError("UnsafePath", printable(path) + " is " + kind + "; a package holds plain files only");
}

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

// Collects the files below a folder, bounded in depth and number.
class Walk {
 public:
  explicit Walk(int root) : root_(root) {}

  std::vector<SourceEntry> run() {
    visit("", 0);
    return std::move(files_);
  }

 private:
  void visit(const std::string& folder, std::size_t depth) {
    if (depth > kMaxDepth || ++folders_ > kMaxFolders) {
      throw PackageError("TooLarge", printable(folder) + ": folders nested deeper than " +
                                         std::to_string(kMaxDepth) + " or more than " +
                                         std::to_string(kMaxFolders) + " of them");
    }
    UniqueFd fd = folder.empty() ? UniqueFd(::openat(root_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC))
                                 : open_beneath(root_, folder);
    const std::unique_ptr<DIR, CloseDir> dir(fd ? ::fdopendir(fd.get()) : nullptr);
    if (!dir) refuse_unreadable(folder, errno);
    (void)fd.release();  // closedir closes it
    for (const dirent* entry = ::readdir(dir.get()); entry != nullptr; entry = ::readdir(dir.get())) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") add(::dirfd(dir.get()), folder, entry->d_name, depth);
    }
  }

  void add(int dir, const std::string& folder, const char* name, std::size_t depth) {
    const std::string path = folder.empty() ? name : folder + "/" + name;
    struct stat status {};
    if (::fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) != 0) refuse_unreadable(path, errno);
    if (S_ISDIR(status.st_mode)) return visit(path, depth + 1);
    if (!S_ISREG(status.st_mode)) refuse_kind(path, status.st_mode);
    files_.push_back({path, static_cast<std::uint64_t>(status.st_size)});
    if (files_.size() > kMaxFiles + 1) {
      throw PackageError("TooLarge", "more than " + std::to_string(kMaxFiles) + " files");
    }
  }

  int root_;
  std::size_t folders_ = 0;
  std::vector<SourceEntry> files_;
};

class FolderSource : public Source {
 public:
  explicit FolderSource(UniqueFd folder) : folder_(std::move(folder)) {}

  [[nodiscard]] std::vector<SourceEntry> entries() const override { return Walk(folder_.get()).run(); }

  void read(const std::string& path, const Sink& sink) const override {
    const UniqueFd file = open_beneath(folder_.get(), path);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) refuse_unreadable(path, errno);
    if (!S_ISREG(status.st_mode)) refuse_kind(path, status.st_mode);
    std::vector<std::byte> piece(std::size_t{1} << 18);
    while (true) {
      const ssize_t got = ::read(file.get(), piece.data(), piece.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) refuse_unreadable(path, errno);
      if (got == 0) return;
      sink({piece.data(), static_cast<std::size_t>(got)});
    }
  }

  [[nodiscard]] int place() const noexcept override { return folder_.get(); }

 private:
  UniqueFd folder_;
};

}  // namespace

std::unique_ptr<Source> make_folder_source(UniqueFd folder) {
  return std::make_unique<FolderSource>(std::move(folder));
}

}  // namespace daris::model
