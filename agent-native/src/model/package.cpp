#include "model/package.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <map>
#include <system_error>
#include <utility>

#include "model/safe_path.hpp"
#include "model/sha256.hpp"
#include "model/source.hpp"

namespace daris::model {
namespace {

constexpr std::string_view kScheme = "file:///";
constexpr std::string_view kDigestPrefix = "sha256:";

std::string path_of(std::string_view uri) {
  const bool is_file = uri.starts_with(kScheme) && uri.size() > kScheme.size();
  if (!is_file || uri.find_first_of("%?#") != std::string_view::npos) {
    throw PackageError("InvalidUri",
                       "uri " + printable(uri) +
                           "; expected file:///PATH without '%', '?' and '#', PATH below the model root");
  }
  std::string path(uri.substr(kScheme.size()));
  if (path.ends_with('/')) path.pop_back();
  check_safe_path(path, "the path of uri " + printable(uri));
  return path;
}

void check_digest_form(std::string_view digest) {
  constexpr std::size_t kHexDigits = 64;
  const std::string_view hex = digest.substr(std::min(digest.size(), kDigestPrefix.size()));
  const bool is_hex = hex.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  if (digest.starts_with(kDigestPrefix) && hex.size() == kHexDigits && is_hex) return;
  throw PackageError("InvalidUri",
                     "digest " + printable(digest) + "; expected sha256: and 64 lower-case hex digits");
}

mode_t kind_of(const UniqueFd& fd) {
  struct stat status {};
  return ::fstat(fd.get(), &status) == 0 ? status.st_mode & S_IFMT : 0;
}

bool is_folder(const UniqueFd& fd) {
  return kind_of(fd) == S_IFDIR;
}

bool is_file(const UniqueFd& fd) {
  return kind_of(fd) == S_IFREG;
}

/// Opened anew, not duplicated: a duplicate shares its position in the file with whoever else reads there.
std::unique_ptr<Source> open_source(const UniqueFd& place) {
  const std::string path = "/proc/self/fd/" + std::to_string(place.get());
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw PackageError("Unreadable", "the package: " + std::generic_category().message(errno));
  return is_folder(fd) ? make_folder_source(std::move(fd)) : make_tar_source(std::move(fd));
}

std::unique_ptr<Source> open_source(const std::filesystem::path& model_root, const std::string& path) {
  const UniqueFd root(::open(model_root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) {
    throw PackageError("Unreadable", "the model root: " + std::generic_category().message(errno));
  }
  UniqueFd fd = open_beneath(root.get(), path);
  if (is_folder(fd)) return make_folder_source(std::move(fd));
  if (is_file(fd) && path.ends_with(".tar")) return make_tar_source(std::move(fd));
  throw PackageError("InvalidPackage",
                     printable(path) + " is neither a folder nor a file whose name ends in .tar");
}

std::string read_manifest(const Source& source, std::string_view digest) {
  std::string text;
  Sha256 hash;
  source.read(std::string(kManifestFile), [&](std::span<const std::byte> piece) {
    if (text.size() + piece.size() > kMaxManifestBytes) {
      throw PackageError("TooLarge",
                         "model.json has more than " + std::to_string(kMaxManifestBytes) + " bytes");
    }
    hash.update(piece);
    text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  });
  const std::string actual = std::string(kDigestPrefix) + hash.hex();
  if (actual == digest) return text;
  throw PackageError("DigestMismatch",
                     "model.json has the digest " + actual + ", asked for is " + std::string(digest) +
                         "; set the digest of this package, or put back the package asked for");
}

// The manifest names each file that is there, and each file that it names is there at its size.
void check_listing(const Manifest& manifest, const std::vector<SourceEntry>& entries) {
  std::map<std::string, std::uint64_t> found;
  for (const SourceEntry& entry : entries) found.emplace(entry.path, entry.bytes);
  std::map<std::string, const File*> named;
  for (const File* file : manifest.files()) named.emplace(file->path, file);
  for (const auto& [path, bytes] : found) {
    if (path == kManifestFile || named.contains(path)) continue;
    throw PackageError("UnlistedFile", printable(path) + " is not named in model.json; remove it or list it");
  }
  for (const auto& [path, file] : named) {
    const auto entry = found.find(path);
    if (entry == found.end()) {
      throw PackageError("NotFound", printable(path) + " is named in model.json, but is not in the package");
    }
    if (entry->second != file->bytes) {
      throw PackageError("DigestMismatch", printable(path) + " has " + std::to_string(entry->second) +
                                               " bytes, model.json says " + std::to_string(file->bytes) +
                                               "; copy the package anew");
    }
  }
}

// Reads a file and passes it on; throws unless it was what the manifest says.
void read_verified(const Source& source, const File& file, const Sink& sink) {
  Sha256 hash;
  std::uint64_t bytes = 0;
  source.read(file.path, [&](std::span<const std::byte> piece) {
    bytes += piece.size();
    if (bytes > file.bytes) {
      throw PackageError("DigestMismatch", printable(file.path) + " has more than the " +
                                               std::to_string(file.bytes) + " bytes that model.json says");
    }
    hash.update(piece);
    sink(piece);
  });
  const std::string actual = hash.hex();
  if (actual == file.sha256) return;
  throw PackageError("DigestMismatch", printable(file.path) + " has sha256 " + actual + ", model.json says " +
                                           file.sha256 + "; copy the package anew");
}

void verify_files(const Source& source, const Manifest& manifest) {
  std::map<std::string, const File*> files;
  for (const File* file : manifest.files()) files.emplace(file->path, file);
  for (const auto& [path, file] : files) read_verified(source, *file, [](std::span<const std::byte>) {});
}

}  // namespace

Package::Package(std::unique_ptr<Source> source, Manifest manifest, std::string digest)
    : source_(std::move(source)), manifest_(std::move(manifest)), digest_(std::move(digest)) {}
Package::Package(Package&&) noexcept = default;
Package& Package::operator=(Package&&) noexcept = default;
Package::~Package() = default;

std::vector<std::byte> Package::read(const File& file) const {
  std::vector<std::byte> bytes;
  bytes.reserve(file.bytes);
  read_verified(*source_, file, [&bytes](std::span<const std::byte> piece) {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
  });
  return bytes;
}

UniqueFd Package::place() const {
  UniqueFd place(::fcntl(source_->place(), F_DUPFD_CLOEXEC, 0));
  if (!place) throw std::system_error(errno, std::generic_category(), "the package");
  return place;
}

Package open_package(const UniqueFd& place, std::string_view digest) {
  check_digest_form(digest);
  std::unique_ptr<Source> source = open_source(place);
  Manifest manifest = parse_manifest(read_manifest(*source, digest));
  check_listing(manifest, source->entries());
  return {std::move(source), std::move(manifest), std::string(digest)};
}

Package open_package(const std::filesystem::path& model_root, std::string_view uri, std::string_view digest) {
  check_digest_form(digest);
  std::unique_ptr<Source> source = open_source(model_root, path_of(uri));
  Manifest manifest = parse_manifest(read_manifest(*source, digest));
  check_listing(manifest, source->entries());
  verify_files(*source, manifest);
  return {std::move(source), std::move(manifest), std::string(digest)};
}

}  // namespace daris::model
