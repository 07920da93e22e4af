// What is refused before it is loaded: stages for another GPU, torch, CUDA, stage or batch, and what does not
// fit.
#include "engine/torch/build_check.hpp"

#include <gtest/gtest.h>

#include <map>

#include "engine/torch/cuda_errors.hpp"
#include "engine/torch/device_memory.hpp"

namespace daris::engine::torch {
namespace {

const Target kTarget{.arch = "sm_90", .torch = "2.11.0", .cuda = "13.0"};

Metadata good() {
  return {{"AOTI_DEVICE_KEY", "cuda"}, {"daris_arch", "sm_90"},     {"daris_torch", "2.11.0+cu130"},
          {"daris_cuda", "13.0"},      {"daris_stage", "stage-01"}, {"daris_batch", "8"}};
}

std::string fault(const Metadata& metadata) {
  return fault_of(metadata, kTarget, "stage-01", 8).value_or("");
}

TEST(StageMetadata, OfThisGpuAndTorchIsTaken) {
  EXPECT_EQ(fault(good()), "");
}

TEST(StageMetadata, EachDifferenceIsNamedWithWhatIsNeeded) {
  const std::map<std::string, std::pair<std::string, std::string>> cases{
      {"AOTI_DEVICE_KEY", {"cpu", "the device 'cpu', needed is 'cuda'"}},
      {"daris_arch", {"sm_80", "the architecture 'sm_80', needed is 'sm_90'"}},
      {"daris_torch", {"2.10.1", "torch '2.10.1', needed is '2.11.0'"}},
      {"daris_cuda", {"12.8", "CUDA '12.8', needed is '13.0'"}},
      {"daris_stage", {"stage-02", "the stage 'stage-02', needed is 'stage-01'"}},
      {"daris_batch", {"1", "the batch size '1', needed is '8'"}}};
  for (const auto& [key, wrong] : cases) {
    Metadata metadata = good();
    metadata[key] = wrong.first;
    EXPECT_NE(fault(metadata).find(wrong.second), std::string::npos) << key << ": " << fault(metadata);
    metadata.erase(key);
    EXPECT_NE(fault(metadata).find("(not told)"), std::string::npos) << key;
  }
}

TEST(StageMetadata, WhatAFileSaysIsMadeFitForMessages) {
  Metadata metadata = good();
  metadata["daris_arch"] = "sm_\n\x1b[31m";
  EXPECT_EQ(fault(metadata).find('\n'), std::string::npos);
  EXPECT_EQ(fault(metadata).find('\x1b'), std::string::npos);
}

TEST(PackageBuild, OfAnotherTorchOrCudaIsRefused) {
  model::Build build{.engine = "torch",
                     .arch = "sm_90",
                     .version = "2.11.0+cu130",
                     .cuda = "13.0",
                     .precision = model::Datatype::kFp16,
                     .tf32 = false,
                     .layout = model::Layout::kContiguous,
                     .tolerance = 0.02};
  EXPECT_EQ(fault_of(build, kTarget), std::nullopt);
  build.version = "2.12.0+cu130";
  EXPECT_NE(fault_of(build, kTarget).value_or("").find("'2.12.0+cu130'"), std::string::npos);
  build.version = "2.11.0";
  build.cuda = "12.8";
  EXPECT_NE(fault_of(build, kTarget).value_or("").find("CUDA '12.8'"), std::string::npos);
}

TEST(ArchWord, IsTheComputeCapability) {
  EXPECT_EQ(arch_word(9, 0), "sm_90");
  EXPECT_EQ(arch_word(12, 0), "sm_120");
}

TEST(DeviceMemory, WhatIsLackingIsSaid) {
  EXPECT_EQ(lack_of_memory("it", 0, 0), std::nullopt);
  EXPECT_EQ(lack_of_memory("it", 1 << 20, 1 << 20), std::nullopt);
  const auto lack = lack_of_memory("it", (1 << 20) + 1, 1 << 20);
  ASSERT_TRUE(lack);
  EXPECT_NE(lack->find("it takes 2 MiB and the GPU has 1 MiB left"), std::string::npos) << *lack;
  EXPECT_TRUE(lack_of_memory("it", UINT64_MAX, 0));
}

TEST(CudaErrors, OnlyThoseThatLoseTheContextAreSticky) {
  for (const int error : {700, 710, 719, 214, 999}) EXPECT_TRUE(is_sticky(error)) << error;
  for (const int error : {0, 2, 600, 701, 720, 900, 901, 912}) EXPECT_FALSE(is_sticky(error)) << error;
}

}  // namespace
}  // namespace daris::engine::torch
