// Opening packages: folders and tars as they may be, and a table of what is refused before anything is used.
#include "model/package.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <future>

#include "packages/package_writer.hpp"

namespace daris::model {
namespace {

namespace fs = std::filesystem;
using test::PackageContent;
using test::TarEntry;

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string refusal_of(const fs::path& root, const std::string& uri, const std::string& digest) {
  try {
    (void)open_package(root, uri, digest);
  } catch (const PackageError& error) {
    return error.reason() + ": " + error.what();
  }
  return "accepted";
}

TEST(PackageFolder, OpensAndReads) {
  const test::TemporaryFolder root;
  const PackageContent content = test::two_stages();
  test::write_folder(content, root.path() / "models" / "two");
  const Package package = open_package(root.path(), "file:///models/two", content.digest());
  EXPECT_EQ(package.manifest().name, "two-stages");
  EXPECT_EQ(package.digest(), content.digest());
  EXPECT_EQ(text_of(package.read(package.manifest().artifacts[1].file)), "the second stage");
}

TEST(PackageFolder, MayLieBehindASymlinkedModelRoot) {
  const test::TemporaryFolder root;
  const PackageContent content = test::two_stages();
  test::write_folder(content, root.path() / "real" / "two");
  fs::create_directory_symlink(root.path() / "real", root.path() / "root");
  EXPECT_EQ(refusal_of(root.path() / "root", "file:///two/", content.digest()), "accepted");
}

TEST(PackageFolder, ReadRefusesAFileThatChangedSince) {
  const test::TemporaryFolder root;
  const PackageContent content = test::two_stages();
  test::write_folder(content, root.path() / "two");
  const Package package = open_package(root.path(), "file:///two", content.digest());
  test::write_file(root.path() / "two" / "none/batch-1/00-first.txt", "THE FIRST STAGE");
  EXPECT_THROW((void)package.read(package.manifest().artifacts[0].file), PackageError);
  EXPECT_EQ(text_of(package.read(package.manifest().artifacts[1].file)), "the second stage");
}

TEST(PackageFolder, ReadSurvivesARenamedFolder) {
  const test::TemporaryFolder root;
  const PackageContent content = test::two_stages();
  test::write_folder(content, root.path() / "two");
  const Package package = open_package(root.path(), "file:///two", content.digest());
  fs::rename(root.path() / "two", root.path() / "three");
  EXPECT_EQ(text_of(package.read(package.manifest().artifacts[0].file)), "the first stage");
}

TEST(PackageTar, OpensAndReads) {
  const test::TemporaryFolder root;
  const PackageContent content = test::two_stages();
  test::write_tar(test::tar_entries(content), root.path() / "two.tar");
  const Package package = open_package(root.path(), "file:///two.tar", content.digest());
  EXPECT_EQ(text_of(package.read(package.manifest().artifacts[1].file)), "the second stage");
  EXPECT_EQ(text_of(package.read(package.manifest().artifacts[0].file)), "the first stage");
}

TEST(PackageTar, OpensWhatTheTarProgramWrites) {
  const test::TemporaryFolder root;
  const PackageContent content = test::two_stages();
  test::write_folder(content, root.path() / "two");
  const std::string folder = (root.path() / "two").string();
  ASSERT_EQ(std::system(("tar -cf " + folder + ".tar -C " + folder + " .").c_str()), 0);
  EXPECT_EQ(refusal_of(root.path(), "file:///two.tar", content.digest()), "accepted");
}

// Each damages a package that lies in a folder; `says` must be in the refusal.
struct FolderRefusal {
  std::string name;
  std::function<void(const fs::path&)> damage;
  std::string says;
};

void PrintTo(const FolderRefusal& refusal, std::ostream* out) {
  *out << refusal.name;
}

class FolderRefusals : public testing::TestWithParam<FolderRefusal> {};

TEST_P(FolderRefusals, NamesTheFile) {
  const test::TemporaryFolder root;
  const PackageContent content = test::two_stages();
  test::write_folder(content, root.path() / "two");
  test::write_folder(content, root.path() / "other");
  GetParam().damage(root.path() / "two");
  const std::string refusal = refusal_of(root.path(), "file:///two", content.digest());
  EXPECT_NE(refusal.find(GetParam().says), std::string::npos) << refusal;
  EXPECT_EQ(refusal_of(root.path(), "file:///other", content.digest()), "accepted");
}

constexpr const char* kFirst = "none/batch-1/00-first.txt";

const FolderRefusal kFolderRefusals[] = {
    {"ManifestChanged",
     [](const fs::path& f) { test::write_file(f / "model.json", test::read_file(f / "model.json") + " "); },
     "DigestMismatch: model.json has the digest sha256:"},
    {"FileChanged", [](const fs::path& f) { test::write_file(f / kFirst, "the FIRST stage"); },
     "DigestMismatch: 'none/batch-1/00-first.txt' has sha256"},
    {"FileTruncated", [](const fs::path& f) { test::write_file(f / kFirst, "the first"); },
     "DigestMismatch: 'none/batch-1/00-first.txt' has 9 bytes, model.json says 15"},
    {"FileMissing", [](const fs::path& f) { fs::remove(f / kFirst); },
     "NotFound: 'none/batch-1/00-first.txt' is named in model.json"},
    {"ManifestMissing", [](const fs::path& f) { fs::remove(f / "model.json"); }, "NotFound: 'model.json'"},
    {"ManifestTooLarge",
     [](const fs::path& f) { test::write_file(f / "model.json", std::string(2'000'000, ' ')); },
     "TooLarge: model.json has more than 1048576 bytes"},
    {"UnlistedFile", [](const fs::path& f) { test::write_file(f / "none" / "extra.bin", "x"); },
     "UnlistedFile: 'none/extra.bin' is not named in model.json"},
    {"SymlinkedFile",
     [](const fs::path& f) {
       fs::rename(f / kFirst, f.parent_path() / "first.txt");
       fs::create_symlink(f.parent_path() / "first.txt", f / kFirst);
     },
     "UnsafePath: 'none/batch-1/00-first.txt' is a symlink"},
    {"SymlinkedFolder",
     [](const fs::path& f) {
       fs::rename(f / "none", f.parent_path() / "none");
       fs::create_directory_symlink(f.parent_path() / "none", f / "none");
     },
     "UnsafePath: 'none' is a symlink"},
    {"SymlinkedManifest",
     [](const fs::path& f) {
       fs::rename(f / "model.json", f.parent_path() / "model.json");
       fs::create_symlink(f.parent_path() / "model.json", f / "model.json");
     },
     "UnsafePath: 'model.json' leads over a symlink"},
    {"SymlinkedPackage",
     [](const fs::path& f) {
       fs::rename(f, f.parent_path() / "moved");
       fs::create_directory_symlink(f.parent_path() / "moved", f);
     },
     "UnsafePath: 'two' leads over a symlink"},
    {"Pipe", [](const fs::path& f) { ASSERT_EQ(::mkfifo((f / "pipe").c_str(), 0600), 0); },
     "UnsafePath: 'pipe' is a device, socket or pipe"},
    {"PipeAsManifest",
     [](const fs::path& f) {
       fs::remove(f / "model.json");
       ASSERT_EQ(::mkfifo((f / "model.json").c_str(), 0600), 0);
     },
     "UnsafePath: 'model.json' is a device, socket or pipe"},
    {"TooManyFiles",
     [](const fs::path& f) {
       for (std::size_t i = 0; i <= kMaxFiles; ++i) test::write_file(f / "many" / std::to_string(i), "");
     },
     "TooLarge: more than 4096 files"},
    {"TooDeep",
     [](const fs::path& f) {
       fs::path deep = f;
       for (int i = 0; i < 20; ++i) deep /= "d";
       fs::create_directories(deep);
     },
     "TooLarge"},
    {"NameThatIsNoText", [](const fs::path& f) { test::write_file(f / "bad\xff\nname", "x"); },
     "UnlistedFile: 'bad??name'"},
};

INSTANTIATE_TEST_SUITE_P(Table, FolderRefusals, testing::ValuesIn(kFolderRefusals),
                         [](const auto& info) { return info.param.name; });

struct TarRefusal {
  std::string name;
  std::function<void(std::vector<TarEntry>&)> damage;
  std::string says;
};

void PrintTo(const TarRefusal& refusal, std::ostream* out) {
  *out << refusal.name;
}

class TarRefusals : public testing::TestWithParam<TarRefusal> {};

TEST_P(TarRefusals, NamesTheEntry) {
  const test::TemporaryFolder root;
  const PackageContent content = test::two_stages();
  std::vector<TarEntry> entries = test::tar_entries(content);
  GetParam().damage(entries);
  test::write_tar(entries, root.path() / "two.tar");
  const std::string refusal = refusal_of(root.path(), "file:///two.tar", content.digest());
  EXPECT_NE(refusal.find(GetParam().says), std::string::npos) << refusal;
}

TarEntry file(const std::string& path) {
  return {.path = path, .bytes = "x", .hard_link = {}, .symlink = {}};
}

const TarRefusal kTarRefusals[] = {
    {"HardLink",
     [](auto& e) { e.push_back({.path = "link", .bytes = {}, .hard_link = "./model.json", .symlink = {}}); },
     "UnsafePath: 'link' is a link"},
    {"Symlink",
     [](auto& e) { e.push_back({.path = "link", .bytes = {}, .hard_link = {}, .symlink = "/etc/passwd"}); },
     "UnsafePath: 'link' is a link"},
    {"Parent", [](auto& e) { e.push_back(file("../outside")); },
     "UnsafePath: a path in the tar is '../outside'"},
    {"InnerParent", [](auto& e) { e.push_back(file("./none/../../outside")); },
     "UnsafePath: a path in the tar"},
    {"Absolute", [](auto& e) { e.push_back(file("/etc/daris")); },
     "UnsafePath: a path in the tar is '/etc/daris'"},
    {"Duplicate", [](auto& e) { e.push_back(e[0]); }, "InvalidPackage: 'model.json' is twice in the tar"},
    {"Unlisted", [](auto& e) { e.push_back(file("extra.bin")); }, "UnlistedFile: 'extra.bin'"},
    {"Changed", [](auto& e) { e.back().bytes[0] = 'X'; }, "DigestMismatch: 'samples/in.bin'"},
    {"Missing", [](auto& e) { e.pop_back(); }, "NotFound: 'samples/in.bin' is named in model.json"},
    {"NoManifest", [](auto& e) { e.erase(e.begin()); }, "NotFound: 'model.json' is not in the tar"},
    {"ManifestTooLarge", [](auto& e) { e[0].bytes = std::string(2'000'000, ' '); }, "TooLarge: model.json"},
};

INSTANTIATE_TEST_SUITE_P(Table, TarRefusals, testing::ValuesIn(kTarRefusals),
                         [](const auto& info) { return info.param.name; });

TEST(PackageTar, TruncatedIsRefused) {
  const test::TemporaryFolder root;
  const PackageContent content = test::two_stages();
  const fs::path tar = root.path() / "two.tar";
  test::write_tar(test::tar_entries(content), tar);
  // Within the last file's header, which follows model.json and two files of a block each.
  fs::resize_file(tar, 512 * 3);
  EXPECT_NE(
      refusal_of(root.path(), "file:///two.tar", content.digest()).find("InvalidPackage: the tar is damaged"),
      std::string::npos);
}

TEST(PackageTar, GarbageIsRefused) {
  const test::TemporaryFolder root;
  test::write_file(root.path() / "two.tar", std::string(100'000, 'x'));
  EXPECT_NE(refusal_of(root.path(), "file:///two.tar", test::two_stages().digest()).find("InvalidPackage"),
            std::string::npos);
}

TEST(PackageUri, RefusesWhatIsNoPathBelowTheRoot) {
  const test::TemporaryFolder root;
  const PackageContent content = test::two_stages();
  test::write_folder(content, root.path() / "two");
  test::write_file(root.path() / "two.zip", "x");
  const std::pair<const char*, const char*> table[] = {
      {"https://example.com/two", "InvalidUri"},
      {"file://two", "InvalidUri"},
      {"file:///", "InvalidUri"},
      {"two", "InvalidUri"},
      {"file:///t%77o", "InvalidUri"},
      {"file:///../two", "UnsafePath"},
      {"file:////two", "UnsafePath"},
      {"file:///two/../../etc", "UnsafePath"},
      {"file:///three", "NotFound"},
      {"file:///two/model.json/x", "NotFound"},
      {"file:///two.zip", "InvalidPackage"},
  };
  for (const auto& [uri, reason] : table) {
    EXPECT_TRUE(refusal_of(root.path(), uri, content.digest()).starts_with(reason))
        << uri << " gave " << refusal_of(root.path(), uri, content.digest());
  }
}

TEST(PackageUri, RefusesADigestThatIsNone) {
  const test::TemporaryFolder root;
  for (const std::string digest : {"", "sha256:", "md5:abc", "sha256:zz"}) {
    EXPECT_TRUE(refusal_of(root.path(), "file:///two", digest).starts_with("InvalidUri: digest")) << digest;
  }
}

// As another process does: the path may be gone by then.
TEST(PackagePlace, IsOpenedAnewWhateverBecameOfThePath) {
  const PackageContent content = test::two_stages();
  for (const std::string name : {"two", "two.tar"}) {
    const test::TemporaryFolder root;
    test::write_folder(content, root.path() / "two");
    test::write_tar(test::tar_entries(content), root.path() / "two.tar");
    const Package first = open_package(root.path(), "file:///" + name, content.digest());
    std::filesystem::rename(root.path() / name, root.path() / "moved");
    const Package second = open_package(first.place(), content.digest());
    EXPECT_EQ(second.digest(), content.digest());
    for (const Artifact& artifact : second.manifest().artifacts)
      EXPECT_EQ(second.read(artifact.file), first.read(artifact.file));
    EXPECT_THROW((void)open_package(first.place(), "sha256:" + std::string(64, '0')), PackageError);
  }
}

// Each has a position in the tar of its own, so that readers do not disturb each other.
TEST(PackagePlace, OneTarIsReadByTwoAtOnce) {
  const test::TemporaryFolder root;
  const PackageContent content = test::two_stages();
  test::write_tar(test::tar_entries(content), root.path() / "two.tar");
  const Package first = open_package(root.path(), "file:///two.tar", content.digest());
  const Package second = open_package(first.place(), content.digest());
  const auto read_often = [](const Package& package) {
    for (int i = 0; i < 200; ++i) {
      for (const Artifact& artifact : package.manifest().artifacts) (void)package.read(artifact.file);
    }
  };
  auto other = std::async(std::launch::async, [&] { read_often(second); });
  EXPECT_NO_THROW(read_often(first));
  EXPECT_NO_THROW(other.get());
}

}  // namespace
}  // namespace daris::model
