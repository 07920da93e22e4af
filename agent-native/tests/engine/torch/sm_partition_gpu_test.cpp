// Green contexts on a real GPU: kernels stay on the SMs of their context, also out of CUDA graphs.
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>

#include "engine/torch/driver.hpp"
#include "engine/torch/sm_partition.hpp"

namespace daris::engine::torch {
namespace {

using SmIds = std::set<std::uint32_t>;

// Each block writes the SM that it runs on, and stays long enough for all SMs to be used.
constexpr const char* kTellSm = R"(
.version 7.8
.target sm_80
.address_size 64
.visible .entry tell_sm(.param .u64 ids) {
  .reg .u32 %r<3>;
  .reg .u64 %rd<4>;
  ld.param.u64 %rd1, [ids];
  mov.u32 %r1, %smid;
  mov.u32 %r2, %ctaid.x;
  mul.wide.u32 %rd2, %r2, 4;
  add.u64 %rd3, %rd1, %rd2;
  st.global.u32 [%rd3], %r1;
  nanosleep.u32 20000;
  ret;
}
)";

constexpr unsigned kBlocks = 8192;

class SmPartitionTest : public testing::Test {
 protected:
  void SetUp() override {
    check(::cudaSetDevice(0), "device");
    check(::cudaLibraryLoadData(&library_, kTellSm, nullptr, nullptr, 0, nullptr, nullptr, 0), "the kernel");
    check(::cudaLibraryGetKernel(&kernel_, library_, "tell_sm"), "the kernel");
    check(::cudaMalloc(&ids_, kBlocks * sizeof(std::uint32_t)), "memory");
  }
  void TearDown() override {
    (void)::cudaFree(ids_);
    (void)::cudaLibraryUnload(library_);
  }

  void launch(cudaStream_t stream) {
    void* arguments[] = {&ids_};
    check(::cudaLaunchKernel(reinterpret_cast<const void*>(kernel_), kBlocks, 32, arguments, 0, stream),
          "launch");
  }

  SmIds ids_after(cudaStream_t stream) {
    check(::cudaStreamSynchronize(stream), "run");
    std::vector<std::uint32_t> ids(kBlocks);
    check(::cudaMemcpy(ids.data(), ids_, kBlocks * sizeof(std::uint32_t), cudaMemcpyDefault), "copy");
    return {ids.begin(), ids.end()};
  }

  SmIds ids_on(const GpuStream& stream) {
    launch(stream.get());
    return ids_after(stream.get());
  }

  static std::vector<SmPartition> divide(const SmSource& source, std::uint32_t contexts, double os) {
    return source.partitions(
        deal_groups(source.sms(), source.split(),
                    {.contexts = contexts, .streams_per_context = 1, .oversubscription = os}));
  }

  static SmIds common(const SmIds& a, const SmIds& b) {
    SmIds both;
    std::ranges::set_intersection(a, b, std::inserter(both, both.end()));
    return both;
  }

  cudaLibrary_t library_ = nullptr;
  cudaKernel_t kernel_ = nullptr;
  void* ids_ = nullptr;
};

TEST_F(SmPartitionTest, KernelsStayOnTheSmsOfTheirContext) {
  const SmSource source(0, false);
  const auto parts = divide(source, 2, 1);
  const GpuStream first(parts[0].green);
  const GpuStream again(parts[0].green);
  const SmIds sms = ids_on(first);
  EXPECT_EQ(sms.size(), parts[0].sms);
  EXPECT_EQ(ids_on(again), sms);
  const GpuStream whole(nullptr);
  EXPECT_EQ(ids_on(whole).size(), source.sms());
}

TEST_F(SmPartitionTest, ContextsThatShareNothingHaveOtherSms) {
  const SmSource source(0, true);  // 66 each: groups of 8 would overlap
  const auto parts = divide(source, 2, 1);
  EXPECT_EQ(parts[0].sms, source.sms() / 2);
  EXPECT_TRUE(common(ids_on(GpuStream(parts[0].green)), ids_on(GpuStream(parts[1].green))).empty());
}

TEST_F(SmPartitionTest, OversubscribedContextsShareSms) {
  const SmSource source(0, false);
  const auto parts = divide(source, 4, 2);
  const SmIds a = ids_on(GpuStream(parts[0].green));
  const SmIds b = ids_on(GpuStream(parts[1].green));
  EXPECT_EQ(a.size(), parts[0].sms);
  EXPECT_FALSE(common(a, b).empty());
}

TEST_F(SmPartitionTest, ACapturedKernelStaysOnItsSms) {
  const SmSource source(0, false);
  const auto parts = divide(source, 4, 1);
  const GpuStream captures(parts[1].green);
  const GpuStream runs(parts[1].green);
  check(::cudaStreamBeginCapture(captures.get(), cudaStreamCaptureModeThreadLocal), "capture");
  launch(captures.get());
  cudaGraph_t graph = nullptr;
  check(::cudaStreamEndCapture(captures.get(), &graph), "capture");
  cudaGraphExec_t exec = nullptr;
  check(::cudaGraphInstantiate(&exec, graph, 0), "instantiate");
  const SmIds sms = ids_on(runs);
  ASSERT_EQ(sms.size(), parts[1].sms);
  check(::cudaGraphLaunch(exec, runs.get()), "launch");
  EXPECT_EQ(ids_after(runs.get()), sms);
  (void)::cudaGraphExecDestroy(exec);
  (void)::cudaGraphDestroy(graph);
}

}  // namespace
}  // namespace daris::engine::torch
