// The part of NVML's binary interface that is used, by its documentation
// (https://docs.nvidia.com/deploy/nvml-api): no header of it is needed to build, and the library itself comes
// with the driver.
#pragma once

#include <cstdint>

namespace daris::device::nvml {

using Return = int;
inline constexpr Return kSuccess = 0;
inline constexpr Return kInsufficientSize = 7;
inline constexpr Return kTimeout = 10;
inline constexpr Return kGpuIsLost = 15;

struct DeviceOpaque;
using Device = DeviceOpaque*;
struct EventSetOpaque;
using EventSet = EventSetOpaque*;

inline constexpr unsigned kUuidBytes = 96;
inline constexpr unsigned kClockSm = 1;
inline constexpr unsigned kClockMemory = 2;
inline constexpr unsigned kTemperatureOfGpu = 0;
inline constexpr unsigned kUncorrected = 1;
inline constexpr unsigned kSinceReset = 0;
inline constexpr unsigned long long kXidCritical = 0x8;
inline constexpr unsigned long long kNotAvailable = ~0ULL;

/// nvmlMemory_v2_t. Memory that the driver keeps for itself is `reserved`, not `used`.
struct Memory {
  unsigned version;
  unsigned long long total;
  unsigned long long reserved;
  unsigned long long free;
  unsigned long long used;
};
static_assert(sizeof(Memory) == 40);
inline constexpr unsigned kMemoryVersion = sizeof(Memory) | (2U << 24);

/// nvmlProcessInfo_t of the functions that end in _v3.
struct ProcessInfo {
  unsigned pid;
  unsigned long long usedGpuMemory;  ///< kNotAvailable where the driver does not tell
  unsigned gpuInstanceId;
  unsigned computeInstanceId;
};
static_assert(sizeof(ProcessInfo) == 24);

/// nvmlEventData_t; of an Xid, `data` is its number.
struct EventData {
  Device device;
  unsigned long long type;
  unsigned long long data;
  unsigned gpuInstanceId;
  unsigned computeInstanceId;
};
static_assert(sizeof(EventData) == 32);

using Init = Return (*)();
using Shutdown = Return (*)();
using ErrorString = const char* (*)(Return);
using DeviceCount = Return (*)(unsigned*);
using DeviceByIndex = Return (*)(unsigned, Device*);
using DeviceByUuid = Return (*)(const char*, Device*);
using DeviceUuid = Return (*)(Device, char*, unsigned);
using MemoryInfo = Return (*)(Device, Memory*);
using ClockInfo = Return (*)(Device, unsigned, unsigned*);
using PowerUsage = Return (*)(Device, unsigned*);
using Temperature = Return (*)(Device, unsigned, unsigned*);
using ClockReasons = Return (*)(Device, unsigned long long*);
using EccErrors = Return (*)(Device, unsigned, unsigned, unsigned long long*);
using RunningProcesses = Return (*)(Device, unsigned*, ProcessInfo*);
using ProcessName = Return (*)(unsigned, char*, unsigned);
using EventSetCreate = Return (*)(EventSet*);
using EventSetFree = Return (*)(EventSet);
using RegisterEvents = Return (*)(Device, unsigned long long, EventSet);
using EventSetWait = Return (*)(EventSet, EventData*, unsigned);

}  // namespace daris::device::nvml
