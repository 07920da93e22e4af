#include "packages/package_writer.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <stdexcept>
#include <system_error>

#include "model/sha256.hpp"

namespace daris::test {
namespace {

namespace fs = std::filesystem;

void require(bool is_done, const std::string& what) {
  if (!is_done) throw std::runtime_error("cannot " + what);
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "daris-test-XXXXXX").string();
  require(::mkdtemp(name.data()) != nullptr, "make " + name);
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void PackageContent::seal() {
  for (const char* list : {"samples", "artifacts", "weights"}) {
    if (!manifest.contains(list)) continue;
    for (nlohmann::json& entry : manifest.at(list)) {
      const std::string& bytes = files.at(entry.at("file"));
      entry["sha256"] = sha256_of(bytes);
      entry["bytes"] = bytes.size();
    }
  }
}

std::string PackageContent::digest() const {
  return "sha256:" + sha256_of(manifest_text());
}

PackageContent two_stages() {
  PackageContent package{.manifest = nlohmann::json::parse(R"({
    "formatVersion": 1,
    "name": "two-stages",
    "inputs": [{"name": "in", "datatype": "FP32", "shape": [-1, 2]}],
    "outputs": [{"name": "out", "datatype": "FP32", "shape": [-1, 2]}],
    "tensors": [{"name": "middle", "datatype": "INT8", "shape": [-1, 3, 4]}],
    "stages": [{"name": "first", "inputs": ["in"], "outputs": ["middle"]},
               {"name": "second", "inputs": ["middle"], "outputs": ["out"]}],
    "samples": [{"input": "in", "file": "samples/in.bin"}],
    "artifacts": [
      {"engine": "none", "stage": "first", "batch": 1, "arch": "any", "file": "none/batch-1/00-first.txt"},
      {"engine": "none", "stage": "second", "batch": 1, "arch": "any", "file": "none/batch-1/01-second.txt"}]
  })"),
                         .files = {{"samples/in.bin", "01234567"},
                                   {"none/batch-1/00-first.txt", "the first stage"},
                                   {"none/batch-1/01-second.txt", "the second stage"}}};
  package.seal();
  return package;
}

std::string sha256_of(const std::string& bytes) {
  model::Sha256 hash;
  hash.update(std::as_bytes(std::span(bytes)));
  return hash.hex();
}

void write_file(const fs::path& path, const std::string& bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  file.close();
  require(!file.fail(), "write " + path.string());
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  require(file.is_open(), "read " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_folder(const PackageContent& package, const fs::path& folder) {
  write_file(folder / "model.json", package.manifest_text());
  for (const auto& [path, bytes] : package.files) write_file(folder / path, bytes);
}

std::vector<TarEntry> tar_entries(const PackageContent& package) {
  std::vector<TarEntry> entries{
      {.path = "./model.json", .bytes = package.manifest_text(), .hard_link = {}, .symlink = {}}};
  for (const auto& [path, bytes] : package.files) {
    entries.push_back({.path = "./" + path, .bytes = bytes, .hard_link = {}, .symlink = {}});
  }
  return entries;
}

void write_tar(const std::vector<TarEntry>& entries, const fs::path& path) {
  const std::unique_ptr<archive, decltype(&::archive_write_free)> tar(::archive_write_new(),
                                                                      &::archive_write_free);
  ::archive_write_set_format_pax_restricted(tar.get());
  require(::archive_write_open_filename(tar.get(), path.c_str()) == ARCHIVE_OK, "open " + path.string());
  for (const TarEntry& each : entries) {
    const std::unique_ptr<archive_entry, decltype(&::archive_entry_free)> entry(::archive_entry_new(),
                                                                                &::archive_entry_free);
    ::archive_entry_set_pathname(entry.get(), each.path.c_str());
    ::archive_entry_set_filetype(entry.get(), each.symlink.empty() ? AE_IFREG : AE_IFLNK);
    ::archive_entry_set_perm(entry.get(), 0644);
    ::archive_entry_set_size(entry.get(), static_cast<la_int64_t>(each.bytes.size()));
    if (!each.symlink.empty()) ::archive_entry_set_symlink(entry.get(), each.symlink.c_str());
    if (!each.hard_link.empty()) ::archive_entry_set_hardlink(entry.get(), each.hard_link.c_str());
    require(::archive_write_header(tar.get(), entry.get()) == ARCHIVE_OK, "write the entry " + each.path);
    (void)::archive_write_data(tar.get(), each.bytes.data(), each.bytes.size());
  }
  require(::archive_write_close(tar.get()) == ARCHIVE_OK, "write " + path.string());
}

}  // namespace daris::test
