// The torch engine where it cannot be had: no library, one that is something else, no GPU.
#include "engine/torch/open_plugin.hpp"

#include <gtest/gtest.h>

#include "packages/package_writer.hpp"

namespace daris::engine::torch {
namespace {

std::string refusal_of(const std::filesystem::path& library) {
  try {
    (void)open_engine(library, {});
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(OpenPlugin, ALibraryThatIsNotThereIsAReasonNotAnError) {
  const test::TemporaryFolder folder;
  EXPECT_NE(refusal_of(folder.path() / kPluginFile).find("a build without the torch engine"),
            std::string::npos);
}

TEST(OpenPlugin, AFileThatIsNoLibraryIsSaidToBeSo) {
  const test::TemporaryFolder folder;
  test::write_file(folder.path() / kPluginFile, "text");
  EXPECT_NE(refusal_of(folder.path() / kPluginFile).find(kPluginFile), std::string::npos);
}

TEST(OpenPlugin, AnotherLibraryIsNotTheEngine) {
  EXPECT_NE(refusal_of(DARIS_TEST_OTHER_LIBRARY).find("is not the torch engine"), std::string::npos);
}

TEST(OpenPlugin, WithoutAGpuTheDriversAnswerIsInWords) {
  const auto lack = lack_of_gpu();
  if (std::filesystem::exists("/dev/nvidiactl")) {
    EXPECT_EQ(lack, std::nullopt);
  } else {
    ASSERT_TRUE(lack);
    EXPECT_NE(lack->find("NVIDIA driver"), std::string::npos) << *lack;
  }
}

}  // namespace
}  // namespace daris::engine::torch
