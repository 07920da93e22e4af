#include "device/words.hpp"

#include <gtest/gtest.h>

namespace daris::device {
namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

Process process(std::uint32_t pid, std::optional<std::uint64_t> bytes, std::string name, bool mps = false) {
  return {.pid = pid, .lineage = {pid}, .memoryBytes = bytes, .mps = mps, .name = std::move(name)};
}

TEST(Words, NobodyElseIsNothingToSay) {
  EXPECT_EQ(sharingWords({}), "");
}

TEST(Words, OthersAreNamedAsFarAsTheyAreKnown) {
  const std::string rest = "; nothing new starts here until it is free, what runs goes on";
  EXPECT_EQ(sharingWords({{process(4242, 3 * kGiB + 5, "python3")}, 0}),
            "process 4242 (python3, about 3 GiB) works on this GPU too" + rest);
  EXPECT_EQ(sharingWords({{process(1, {}, ""), process(2, 1, "trtexec", true)}, 0}),
            "processes 1, 2 (trtexec, MPS client, less than 1 GiB) work on this GPU too" + rest);
  EXPECT_EQ(
      sharingWords({{process(1, {}, ""), process(2, {}, ""), process(3, {}, ""), process(4, {}, "")}, 0}),
      "processes 1, 2, 3 and 1 more work on this GPU too" + rest);
  EXPECT_EQ(sharingWords({{}, 12 * kGiB}),
            "processes that cannot be seen from here hold about 12 GiB of this GPU" + rest);
  EXPECT_EQ(
      sharingWords({{process(1, {}, "")}, 2 * kGiB}),
      "process 1 works on this GPU too, and processes that cannot be seen from here hold about 2 GiB" + rest);
}

TEST(Words, AProgramIsTheLastPartOfItsPath) {
  EXPECT_EQ(programWord("/usr/bin/python3 train.py --secret=1"), "python3");
  EXPECT_EQ(programWord("nvidia-cuda-mps-server"), "nvidia-cuda-mps-server");
  EXPECT_EQ(programWord("/tmp/a\nb\x7f\xff"), "ab");
  EXPECT_EQ(programWord(std::string(300, 'x')).size(), 64U);
}

TEST(Words, ThrottlingHasAWordForEachBitThatSlows) {
  EXPECT_TRUE(throttleWords(0x1 | 0x2 | 0x100).empty()) << "idle, or clocks that somebody has set";
  EXPECT_EQ(throttleWords(0x4 | 0x40), (std::vector<std::string>{"SoftwarePowerCap", "HardwareThermal"}));
  EXPECT_EQ(throttleWords(~0ULL).size(), 6U);
}

}  // namespace
}  // namespace daris::device
