// What is asked of NVML, against the recorded one: calls, sizes of lists and what is made of the answers.
// That the structures are NVIDIA's own is for foreign_sharing_gpu_test.
#include <gtest/gtest.h>
#include <unistd.h>

#include "device/lineage.hpp"
#include "device/nvml_gpu.hpp"
#include "device/nvml_library.hpp"
#include "device/recording.hpp"

namespace daris::device {
namespace {

constexpr auto kSoon = std::chrono::milliseconds(5000);
constexpr auto kNow = std::chrono::milliseconds(0);

TEST(Nvml, WithoutADriverThereIsNothing) {
  ::unsetenv("DARIS_RECORDED_NVML");
  EXPECT_EQ(NvmlLibrary::open(), nullptr);
  EXPECT_TRUE(censusOfAll(nullptr).empty());
  EXPECT_EQ(NvmlGpu::find(nullptr, "GPU-1"), nullptr);
}

class RecordedNvml : public testing::Test {
 protected:
  void SetUp() override {
    recording_.say("gpu GPU-1\n");
    library_ = NvmlLibrary::open();
    ASSERT_NE(library_, nullptr);
    gpu_ = NvmlGpu::find(library_, "GPU-1");
    ASSERT_NE(gpu_, nullptr);
  }

  test::Recording recording_;
  std::shared_ptr<const NvmlLibrary> library_;
  std::unique_ptr<NvmlGpu> gpu_;
};

TEST_F(RecordedNvml, AnotherUuidIsNotFound) {
  EXPECT_EQ(NvmlGpu::find(library_, "cpu-0"), nullptr);
}

TEST_F(RecordedNvml, FiguresThatAreNotToldAreAbsent) {
  const Reading reading = gpu_->read();
  EXPECT_FALSE(reading.memoryUsedBytes || reading.smClockMhz || reading.powerMilliwatts ||
               reading.temperatureCelsius || reading.eccUncorrectable || reading.lost);
  EXPECT_TRUE(reading.throttling.empty());
}

TEST_F(RecordedNvml, FiguresAreRead) {
  recording_.say(
      "gpu GPU-1\nmemory 5 10\nclocks 1980 2619\npower 345678\ntemperature 61\nreasons 4\necc 1\n");
  const Reading reading = gpu_->read();
  EXPECT_EQ(reading.memoryUsedBytes, 5U);
  EXPECT_EQ(reading.memoryTotalBytes, 10U);
  EXPECT_EQ(reading.smClockMhz, 1980U);
  EXPECT_EQ(reading.memoryClockMhz, 2619U);
  EXPECT_EQ(reading.powerMilliwatts, 345'678U);
  EXPECT_EQ(reading.temperatureCelsius, 61U);
  EXPECT_EQ(reading.throttling, std::vector<std::string>{"SoftwarePowerCap"});
  EXPECT_EQ(reading.eccUncorrectable, 1U);
}

TEST_F(RecordedNvml, ALostGpuIsSaidToBeLost) {
  recording_.say("gpu GPU-1\nmemory 5 10\nlost\n");
  EXPECT_TRUE(gpu_->read().lost);
  EXPECT_FALSE(gpu_->census().has_value());
}

TEST_F(RecordedNvml, EachProcessIsCountedOnce) {
  recording_.say(
      "gpu GPU-1\nmemory 9 10\ncompute self 1 /opt/daris-runtime\ncompute 4242424 - -\ncompute self 1 -\n"
      "mps 4242424 - -\nmps 4242425 7 /usr/bin/python3\n");
  const auto census = gpu_->census();
  ASSERT_TRUE(census);
  EXPECT_EQ(census->usedBytes, 9U);
  ASSERT_EQ(census->processes.size(), 3U);
  const auto self = static_cast<std::uint32_t>(::getpid());
  EXPECT_EQ(census->processes[0], (Process{self, lineageOf(self), 1, false, "daris-runtime"}));
  EXPECT_EQ(census->processes[1], (Process{4242424, {4242424}, {}, true, ""}));
  EXPECT_EQ(census->processes[2], (Process{4242425, {4242425}, 7, true, "python3"}));
  EXPECT_EQ(censusOfAll(library_).at("GPU-1").processes.size(), 3U);
}

TEST_F(RecordedNvml, AListMayBeLongerThanExpected) {
  std::string lines = "gpu GPU-1\n";
  for (int pid = 0; pid < 300; ++pid) lines += "compute " + std::to_string(5'000'000 + pid) + " 1 -\n";
  recording_.say(lines);
  EXPECT_EQ(gpu_->census()->processes.size(), 300U);
}

TEST_F(RecordedNvml, XidsAreToldOnceEach) {
  recording_.say("gpu GPU-1\nxid 1 31\n");
  EXPECT_FALSE(gpu_->tellsXids());
  gpu_->listen();
  ASSERT_TRUE(gpu_->tellsXids());
  EXPECT_EQ(gpu_->awaitXid(kNow), std::nullopt) << "what was before is over";
  recording_.say("gpu GPU-1\nxid 1 31\nxid 2 79\n");
  EXPECT_EQ(gpu_->awaitXid(kSoon), 79U);
  EXPECT_EQ(gpu_->awaitXid(kNow), std::nullopt);
}

}  // namespace
}  // namespace daris::device
