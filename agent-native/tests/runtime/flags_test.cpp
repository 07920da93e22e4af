// The command line: what is accepted, and one line for what is not.
#include "runtime/flags.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <string>
#include <vector>

namespace daris::runtime {
namespace {

const std::vector<const char*> kSound{"--socket", "/run/a.sock", "--model-root", "/tmp", "--cores", "0,2-3"};

std::vector<const char*> with(std::vector<const char*> more) {
  std::vector<const char*> all = kSound;
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

TEST(Flags, AreReadInBothSpellings) {
  const Flags flags = parseFlags(with({"--inference-address=[::1]:8001", "--slot-memory", "512MiB",
                                       "--trace-records=2048", "--supervise", "--heartbeat"}));
  EXPECT_EQ(flags.socket, "/run/a.sock");
  EXPECT_EQ(flags.modelRoot, "/tmp");
  EXPECT_EQ(flags.cores, (std::vector<std::uint32_t>{0, 2, 3}));
  EXPECT_EQ(flags.inferenceHost, "[::1]");
  EXPECT_EQ(flags.inferencePort, 8001);
  EXPECT_EQ(flags.slotMemoryBytes, std::uint64_t{512} << 20);
  EXPECT_EQ(flags.traceRecords, 2048U);
  EXPECT_TRUE(flags.supervise);
  EXPECT_TRUE(flags.heartbeat);
}

TEST(Flags, AllCoresAreThoseThatTheProcessMayUse) {
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  std::uint32_t last = CPU_SETSIZE - 1;
  while (!CPU_ISSET(last, &before)) --last;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(last, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  const Flags flags = parseFlags({{"--socket=/run/a.sock", "--model-root=/tmp", "--cores=all"}});
  ASSERT_EQ(::sched_setaffinity(0, sizeof before, &before), 0);
  EXPECT_EQ(flags.cores, (std::vector<std::uint32_t>{last}));
}

TEST(Flags, AnEngineIsChosenByNameOrByWhatIsThere) {
  EXPECT_EQ(parseFlags(kSound).engine, "auto");
  const Flags flags = parseFlags(with({"--engine", "torch", "--gpu", "3"}));
  EXPECT_EQ(flags.engine, "torch");
  EXPECT_EQ(flags.gpu, 3U);
  EXPECT_DOUBLE_EQ(flags.gpuMemoryShare, 0.9);
  EXPECT_EQ(flags.pinnedMemoryBytes, std::uint64_t{512} << 20);
  const Flags small = parseFlags(with({"--gpu-memory-percent", "45", "--pinned-memory", "64MiB"}));
  EXPECT_DOUBLE_EQ(small.gpuMemoryShare, 0.45);
  EXPECT_EQ(small.pinnedMemoryBytes, std::uint64_t{64} << 20);
}

TEST(Flags, AGpuIsNamedByNumberOrByUuidAndTheLastWordCounts) {
  EXPECT_EQ(parseFlags(kSound).gpu, std::nullopt);
  const Flags uuid = parseFlags(with({"--gpu=1", "--gpu=GPU-8a4f-1"}));
  EXPECT_EQ(uuid.gpu, std::nullopt);
  EXPECT_EQ(uuid.gpuUuid, "GPU-8a4f-1");
  const Flags number = parseFlags(with({"--gpu=GPU-8a4f-1", "--gpu=1"}));
  EXPECT_EQ(number.gpu, 1U);
  EXPECT_EQ(number.gpuUuid, "");
  EXPECT_EQ(parseFlags(with({"--node-gpus=GPU-a,MIG-b"})).nodeGpus,
            (std::vector<std::string>{"GPU-a", "MIG-b"}));
}

TEST(Flags, ListingAsksForNothingElse) {
  const std::vector<const char*> listing{"--list-gpus", "--engine=sim", "--sim-gpus=3"};
  const Flags flags = parseFlags(listing);
  EXPECT_TRUE(flags.listGpus);
  EXPECT_EQ(flags.simGpus, 3U);
}

TEST(Flags, TellOfASimulatedGpu) {
  const Flags flags =
      parseFlags(with({"--engine=sim", "--sim-product", "What if", "--sim-sms=16", "--sim-memory=8GiB"}));
  EXPECT_EQ(flags.engine, "sim");
  EXPECT_EQ(flags.simProduct, "What if");
  EXPECT_EQ(flags.simSms, 16U);
  EXPECT_EQ(flags.simMemoryBytes, std::uint64_t{8} << 30);
}

TEST(Flags, HelpNeedsNothingElse) {
  EXPECT_TRUE(parseFlags(std::vector<const char*>{"--help"}).help);
  EXPECT_NE(usage().find("--inference-address HOST:PORT"), std::string::npos);
}

struct Bad {
  const char* name;
  std::vector<const char*> arguments;
  std::string flag;
};

class BadFlag : public testing::TestWithParam<Bad> {};

TEST_P(BadFlag, IsNamedInOneLineWithWhatWouldWork) {
  try {
    static_cast<void>(parseFlags(GetParam().arguments));
    FAIL() << "accepted";
  } catch (const FlagError& error) {
    const std::string words = error.what();
    EXPECT_EQ(words.rfind(GetParam().flag + ":", 0), 0U) << words;
    EXPECT_EQ(words.find('\n'), std::string::npos);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Flags, BadFlag,
    testing::Values(Bad{"Unknown", with({"--sockets", "x"}), "--sockets"},
                    Bad{"Word", with({"serve"}), "serve"},
                    Bad{"NoSocket", {"--model-root", "/tmp", "--cores", "0"}, "--socket"},
                    Bad{"NoCores", {"--model-root", "/tmp", "--socket", "/a"}, "--cores"},
                    Bad{"NoRoot", {"--cores", "0", "--socket", "/a"}, "--model-root"},
                    Bad{"NoValue", with({"--slot-memory"}), "--slot-memory"},
                    Bad{"ValueForSwitch", with({"--supervise=yes"}), "--supervise"},
                    Bad{"NoDirectory", with({"--model-root", "/nowhere/at/all"}), "--model-root"},
                    Bad{"NoPort", with({"--inference-address", "127.0.0.1"}), "--inference-address"},
                    Bad{"PortTooLarge", with({"--inference-address", "127.0.0.1:65536"}),
                        "--inference-address"},
                    Bad{"CoreTwice", with({"--cores", "0,0"}), "--cores"},
                    Bad{"CoreBackwards", with({"--cores", "3-1"}), "--cores"},
                    Bad{"CoreComma", with({"--cores", "0,"}), "--cores"},
                    Bad{"CoresAllAndMore", with({"--cores", "all,0"}), "--cores"},
                    Bad{"TraceTooSmall", with({"--trace-records", "1023"}), "--trace-records"},
                    Bad{"TraceTooLarge", with({"--trace-records", "16777217"}), "--trace-records"},
                    Bad{"TraceWord", with({"--trace-records", "12MiB"}), "--trace-records"},
                    Bad{"Engine", with({"--engine=tensorrt"}), "--engine"},
                    Bad{"AllOfTheGpu", with({"--gpu-memory-percent", "100"}), "--gpu-memory-percent"},
                    Bad{"NoPinnedMemory", with({"--pinned-memory", "0"}), "--pinned-memory"},
                    Bad{"NoGpuNumber", with({"--gpu", "first"}), "--gpu"},
                    Bad{"NoGpuUuid", with({"--gpu", "GPU-"}), "--gpu"},
                    Bad{"NoUuids", with({"--node-gpus", "GPU-a,"}), "--node-gpus"},
                    Bad{"NoSimGpus", with({"--engine=sim", "--sim-gpus", "0"}), "--sim-gpus"},
                    Bad{"SimProductEmpty", with({"--engine=sim", "--sim-product="}), "--sim-product"},
                    Bad{"SimSmsZero", with({"--engine=sim", "--sim-sms=0"}), "--sim-sms"},
                    Bad{"SimMemoryUnit", with({"--engine=sim", "--sim-memory=8GB"}), "--sim-memory"},
                    Bad{"SimOfAnotherEngine", with({"--sim-sms=4"}),
                        "--sim-product, --sim-sms, --sim-memory, --sim-gpus"},
                    Bad{"MemoryZero", with({"--slot-memory", "0"}), "--slot-memory"},
                    Bad{"MemoryUnit", with({"--slot-memory", "1GB"}), "--slot-memory"},
                    Bad{"MemoryTooLarge", with({"--slot-memory", "99999999999GiB"}), "--slot-memory"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace daris::runtime
