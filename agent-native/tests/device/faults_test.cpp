#include "device/faults.hpp"

#include <gtest/gtest.h>

namespace daris::device {
namespace {

TEST(Faults, APlainGpuHasNone) {
  Reading reading;
  EXPECT_EQ(faultOf(reading, std::nullopt), std::nullopt);
  reading.eccUncorrectable = 0;
  reading.throttling = {"HardwareThermal"};
  EXPECT_EQ(faultOf(reading, std::nullopt), std::nullopt) << "hot, but sound";
}

TEST(Faults, TheGravestIsTold) {
  Reading reading;
  const Xid xid{79, 1};
  EXPECT_EQ(faultOf(reading, xid)->reason, "XidCritical");
  EXPECT_NE(faultOf(reading, xid)->message.find("Xid 79"), std::string::npos);
  reading.eccUncorrectable = 2;
  EXPECT_EQ(faultOf(reading, xid)->reason, "EccUncorrectable");
  reading.lost = true;
  EXPECT_EQ(faultOf(reading, xid)->reason, "GpuLost");
}

TEST(Faults, XidsOfProgramsAreOutlived) {
  for (const std::uint64_t xid : {13U, 31U, 43U, 45U, 68U, 109U}) EXPECT_TRUE(isOfProgram(xid)) << xid;
  for (const std::uint64_t xid : {48U, 63U, 64U, 74U, 79U, 94U, 95U, 119U, 120U})
    EXPECT_FALSE(isOfProgram(xid)) << xid;
}

}  // namespace
}  // namespace daris::device
