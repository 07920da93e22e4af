#include "runtime/gpu_shares.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace daris::runtime {
namespace {

Flags flagsWith(std::size_t cores, std::uint16_t port = 8001) {
  Flags flags;
  flags.socket = "/run/daris/runtime.sock";
  flags.inferenceHost = "[::]";
  flags.inferencePort = port;
  flags.cores.resize(cores);
  std::iota(flags.cores.begin(), flags.cores.end(), 0U);
  return flags;
}

std::vector<std::string> gpusOf(std::size_t count) {
  std::vector<std::string> gpus;
  for (std::size_t i = 0; i < count; ++i) gpus.push_back("GPU-" + std::to_string(i));
  return gpus;
}

const CommandLine kBase{"/proc/self/exe", "--model-root=/tmp", "--engine=torch"};

/// As the worker itself reads its command line.
Flags readBy(const CommandLine& command) {
  std::vector<const char*> words;
  for (std::size_t i = 1; i < command.size(); ++i) words.push_back(command[i].c_str());
  return parseFlags(words);
}

TEST(GpuShares, OfOneGpuOrNoneTheCommandStaysAsItIs) {
  EXPECT_EQ(gpuShares(kBase, flagsWith(1), {}), (std::vector<CommandLine>{kBase}));
  EXPECT_EQ(gpuShares(kBase, flagsWith(1), gpusOf(1)), (std::vector<CommandLine>{kBase}));
}

TEST(GpuShares, EachRuntimeHasItsGpuItsSocketItsPortAndItsCores) {
  const auto commands = gpuShares(kBase, flagsWith(5), gpusOf(2));
  ASSERT_EQ(commands.size(), 2U);
  const Flags first = readBy(commands[0]);
  const Flags second = readBy(commands[1]);
  EXPECT_EQ(first.gpuUuid, "GPU-0");
  EXPECT_EQ(second.gpuUuid, "GPU-1");
  EXPECT_EQ(first.socket, "/run/daris/runtime.sock");
  EXPECT_EQ(second.socket, "/run/daris/runtime-1.sock");
  EXPECT_EQ(first.inferencePort, 8001);
  EXPECT_EQ(second.inferencePort, 8002);
  EXPECT_EQ(second.inferenceHost, "[::]");
  EXPECT_EQ(first.cores, (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(second.cores, (std::vector<std::uint32_t>{2, 3, 4}));
  EXPECT_EQ(second.nodeGpus, gpusOf(2));
}

TEST(GpuShares, EachCoreGoesToOneRuntimeAndNoneHasTwoMoreThanAnother) {
  for (std::size_t gpus = 2; gpus <= 8; ++gpus) {
    for (std::size_t cores = gpus; cores <= 40; ++cores) {
      const Flags flags = flagsWith(cores);
      std::vector<std::uint32_t> all;
      for (const CommandLine& command : gpuShares(kBase, flags, gpusOf(gpus))) {
        const auto share = readBy(command).cores;
        EXPECT_GE(share.size(), cores / gpus);
        EXPECT_LE(share.size(), cores / gpus + 1);
        all.insert(all.end(), share.begin(), share.end());
      }
      EXPECT_EQ(all, flags.cores);
    }
  }
}

TEST(GpuShares, AnyFreePortStaysAnyFreePort) {
  for (const CommandLine& command : gpuShares(kBase, flagsWith(4, 0), gpusOf(4)))
    EXPECT_EQ(readBy(command).inferencePort, 0);
}

TEST(GpuShares, WhereTheGpusWereSeenNoRuntimeMayFallBackToTheCores) {
  Flags flags = flagsWith(2);
  flags.engine = "auto";
  for (const CommandLine& command : gpuShares({"/proc/self/exe", "--model-root=/tmp"}, flags, gpusOf(2)))
    EXPECT_EQ(readBy(command).engine, "torch");
}

/// What is wrong, in words; empty: nothing.
std::string refusal(const Flags& flags, std::size_t gpus) {
  try {
    static_cast<void>(gpuShares(kBase, flags, gpusOf(gpus)));
    return "";
  } catch (const FlagError& error) {
    return error.what();
  }
}

TEST(GpuShares, FewerCoresThanGpusAreRefused) {
  EXPECT_EQ(refusal(flagsWith(3), 4),
            "--cores: 3 are too few for 4 GPUs, each served by a runtime of its own; give one for each at "
            "least; or "
            "choose fewer GPUs (--gpu, CUDA_VISIBLE_DEVICES)");
  EXPECT_EQ(refusal(flagsWith(4), 4), "");
}

TEST(GpuShares, PortsBeyondTheLastAreRefused) {
  EXPECT_EQ(refusal(flagsWith(4, 65532), 4), "");
  EXPECT_EQ(refusal(flagsWith(4, 65533), 4).rfind("--inference-address: ports from 65533", 0), 0U);
}

TEST(GpuShares, ASocketThatGetsTooLongIsRefused) {
  Flags flags = flagsWith(2);
  flags.socket = "/" + std::string(101, 'a') + ".sock";
  EXPECT_EQ(flags.socket.size(), 107U);
  EXPECT_EQ(refusal(flags, 2).rfind("--socket: ", 0), 0U);
}

TEST(GpuShares, ASocketWithoutAnEndingGetsItsNumberToo) {
  EXPECT_EQ(socketOf("/run/runtime", 2), "/run/runtime-2");
}

}  // namespace
}  // namespace daris::runtime
