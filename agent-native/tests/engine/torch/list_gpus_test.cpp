// What is asked of the CUDA driver before torch is opened, against the recorded one.
#include <gtest/gtest.h>

#include <cstdlib>

#include "engine/torch/open_plugin.hpp"

namespace daris::engine::torch {
namespace {

void record(const char* gpus, const char* error) {
  ::setenv("DARIS_RECORDED_GPUS", gpus, 1);
  ::setenv("DARIS_RECORDED_CUDA_ERROR", error, 1);
}

TEST(ListGpus, EachIsToldByItsUuidAsNvidiaWritesIt) {
  record("2", "0");
  EXPECT_EQ(list_gpus(), (std::vector<std::string>{"GPU-a0a0a0a0-a0a0-a0a0-a0a0-a0a0a0a0a0a0",
                                                   "GPU-a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1"}));
  EXPECT_EQ(lack_of_gpu(), std::nullopt);
}

TEST(ListGpus, NoGpuIsNoError) {
  record("0", "0");
  EXPECT_TRUE(list_gpus().empty());
  record("0", "100");
  EXPECT_TRUE(list_gpus().empty());
  EXPECT_EQ(lack_of_gpu(), "the NVIDIA driver finds no GPU (CUDA error 100)");
}

TEST(ListGpus, ADriverThatFailsIsNotTakenForAMachineWithoutGpus) {
  record("2", "802");  // the system is not yet initialized
  EXPECT_THROW(
      {
        try {
          static_cast<void>(list_gpus());
        } catch (const std::runtime_error& error) {
          EXPECT_STREQ(error.what(), "the NVIDIA driver finds no GPU (CUDA error 802)");
          throw;
        }
      },
      std::runtime_error);
}

}  // namespace
}  // namespace daris::engine::torch
