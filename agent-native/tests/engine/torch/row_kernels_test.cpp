// What can be known of the kernels without a GPU: that they compile for the ones that packages are made for.
#include "engine/torch/row_kernels.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace daris::engine::torch {
namespace {

TEST(RowKernels, CompileForEachArchitecture) {
  for (const char* arch : {"sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120"}) {
    const std::vector<char> code = compile_row_kernels(arch);
    ASSERT_GT(code.size(), 4U) << arch;
    EXPECT_EQ(std::string_view(code.data() + 1, 3), "ELF") << arch;
    const std::string_view all(code.data(), code.size());
    EXPECT_NE(all.find("gather"), std::string_view::npos);
    EXPECT_NE(all.find("scatter"), std::string_view::npos);
  }
}

TEST(RowKernels, SayWhatTheyCannotBeCompiledFor) {
  try {
    (void)compile_row_kernels("sm_1");
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string_view(error.what()).find("--gpu-architecture"), std::string_view::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace daris::engine::torch
