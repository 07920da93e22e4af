// Rows between single jobs' memory and one buffer, on a real GPU: any length, any alignment, rows left out,
// and captured.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "engine/torch/driver.hpp"
#include "engine/torch/pinned.hpp"
#include "engine/torch/row_kernels.hpp"

namespace daris::engine::torch {
namespace {

constexpr std::uint32_t kRows = 9;
constexpr std::uint32_t kLeftOut = 4;
constexpr std::byte kUntouched{0xA5};

std::byte value(std::uint64_t row, std::uint64_t i) {
  return static_cast<std::byte>((row * 131 + i * 7 + i / 251) & 0xFF);
}

class RowKernelsTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  RowKernelsTest() { check(::cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "a stream"); }
  ~RowKernelsTest() override { (void)::cudaStreamDestroy(stream_); }

  /// Rows lie one byte more than their length apart, so that some are aligned and some are not.
  void lay() {
    rows_ = PinnedMemory(memory_, kRows * (bytes() + 1));
    buffer_ = PinnedMemory(memory_, kRows * bytes());
    table_ = PinnedMemory(memory_, kRows * sizeof(CUdeviceptr));
    for (std::uint32_t r = 0; r < kRows; ++r) {
      const CUdeviceptr at = r == kLeftOut ? 0 : rows_.device() + r * (bytes() + 1);
      std::memcpy(&table_.bytes()[r * sizeof at], &at, sizeof at);
      for (std::uint64_t i = 0; i < bytes(); ++i) row(r)[i] = value(r, i);
    }
    std::ranges::fill(buffer_.bytes(), kUntouched);
  }

  std::span<std::byte> row(std::uint64_t r) { return rows_.bytes().subspan(r * (bytes() + 1), bytes()); }
  std::span<std::byte> inside(std::uint64_t r) { return buffer_.bytes().subspan(r * bytes(), bytes()); }
  [[nodiscard]] static std::uint64_t bytes() { return GetParam(); }
  [[nodiscard]] RowCopy copy() const {
    return {.table = table_.device(), .buffer = buffer_.device(), .rows = kRows, .row_bytes = bytes()};
  }

  void wait() { check(::cudaStreamSynchronize(stream_), "the copies"); }

  std::shared_ptr<PinnedArena> memory_ = std::make_shared<PinnedArena>(std::size_t{32} << 20);
  RowKernels kernels_;
  cudaStream_t stream_ = nullptr;
  PinnedMemory rows_, buffer_, table_;
};

TEST_P(RowKernelsTest, GatherBringsEachRowToItsPlaceAndLeavesTheOthers) {
  lay();
  kernels_.gather(copy(), stream_);
  wait();
  for (std::uint32_t r = 0; r < kRows; ++r) {
    for (std::uint64_t i = 0; i < bytes(); ++i)
      ASSERT_EQ(inside(r)[i], r == kLeftOut ? kUntouched : value(r, i)) << r << " " << i;
  }
}

TEST_P(RowKernelsTest, ScatterGivesEachRowItsOwnAndTouchesNothingElse) {
  lay();
  for (std::uint32_t r = 0; r < kRows; ++r)
    for (std::uint64_t i = 0; i < bytes(); ++i) inside(r)[i] = value(r + 100, i);
  kernels_.scatter(copy(), stream_);
  wait();
  for (std::uint32_t r = 0; r < kRows; ++r) {
    for (std::uint64_t i = 0; i < bytes(); ++i)
      ASSERT_EQ(row(r)[i], r == kLeftOut ? value(r, i) : value(r + 100, i)) << r << " " << i;
  }
}

TEST_P(RowKernelsTest, ACapturedCopyReadsWhereTheRowsAreWhenItRuns) {
  lay();
  check(::cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), "capture");
  kernels_.gather(copy(), stream_);
  cudaGraph_t graph = nullptr;
  check(::cudaStreamEndCapture(stream_, &graph), "capture");
  cudaGraphExec_t exec = nullptr;
  check(::cudaGraphInstantiate(&exec, graph, 0), "instantiate");
  const CUdeviceptr third = rows_.device() + 3 * (bytes() + 1);
  std::memcpy(table_.bytes().data(), &third, sizeof third);
  check(::cudaGraphLaunch(exec, stream_), "launch");
  wait();
  for (std::uint64_t i = 0; i < bytes(); ++i) ASSERT_EQ(inside(0)[i], value(3, i));
  (void)::cudaGraphExecDestroy(exec);
  (void)::cudaGraphDestroy(graph);
}

INSTANTIATE_TEST_SUITE_P(Lengths, RowKernelsTest,
                         testing::Values(1, 15, 16, 4001, 8192, 8208, 150'528, 301'056),
                         [](const auto& bytes) { return std::to_string(bytes.param); });

}  // namespace
}  // namespace daris::engine::torch
