#include "engine/torch/sm_partition.hpp"

#include <map>

#include "engine/torch/driver.hpp"

namespace daris::engine::torch {
namespace {

/// As CUDA counts: the smallest number is the best.
int priority_of(bool high) {
  int least = 0;
  int greatest = 0;
  check(::cudaDeviceGetStreamPriorityRange(&least, &greatest), "the priorities of streams");
  return high ? greatest : least;
}

}  // namespace

GpuStream::GpuStream(std::shared_ptr<CUgreenCtx_st> green, bool high) : green_(std::move(green)) {
  const int priority = priority_of(high);
  if (green_) {
    check(driver().green_stream_create(&stream_, green_.get(), CU_STREAM_NON_BLOCKING, priority),
          "a stream of a green context");
  } else {
    check(driver().stream_create(&stream_, CU_STREAM_NON_BLOCKING, priority), "a stream");
  }
}

GpuStream::~GpuStream() {
  (void)driver().stream_destroy(stream_);
}

SmSource::SmSource(int device, bool ignore_coscheduling) {
  check(driver().device_get(&device_, device), "the device");
  check(driver().device_get_resource(device_, &all_, CU_DEV_RESOURCE_TYPE_SM), "the device's SMs");
  const unsigned flags = ignore_coscheduling ? CU_DEV_SM_RESOURCE_SPLIT_IGNORE_SM_COSCHEDULING : 0;
  constexpr unsigned kLeast = 1;  // rounded up by the driver
  unsigned count = 0;
  check(driver().split_sms(nullptr, &count, &all_, nullptr, flags, kLeast), "the number of SM groups");
  groups_.resize(count);
  check(driver().split_sms(groups_.data(), &count, &all_, nullptr, flags, kLeast), "groups of SMs");
  groups_.resize(count);
}

SmSplit SmSource::split() const {
  return {.size = groups_.front().sm.smCount, .count = static_cast<std::uint32_t>(groups_.size())};
}

std::vector<SmPartition> SmSource::partitions(std::span<const SmGroups> contexts) const {
  std::map<SmGroups, SmPartition> made;
  std::vector<SmPartition> partitions;
  for (const SmGroups& groups : contexts) {
    SmPartition& partition = made[groups];
    if (partition.sms == 0) partition = make(groups);
    partitions.push_back(partition);
  }
  return partitions;
}

SmPartition SmSource::make(const SmGroups& groups) const {
  if (groups.empty()) return {.green = nullptr, .sms = sms()};
  std::vector<CUdevResource> resources;
  for (const std::uint32_t group : groups) resources.push_back(groups_[group]);
  CUdevResourceDesc description = nullptr;
  check(driver().generate_desc(&description, resources.data(), static_cast<unsigned>(resources.size())),
        "the description of a green context");
  CUgreenCtx green = nullptr;
  check(driver().green_create(&green, description, device_, CU_GREEN_CTX_DEFAULT_STREAM), "a green context");
  SmPartition partition{.green = {green, [](CUgreenCtx context) { (void)driver().green_destroy(context); }},
                        .sms = 0};
  CUdevResource has{};
  check(driver().green_get_resource(green, &has, CU_DEV_RESOURCE_TYPE_SM), "a green context's SMs");
  partition.sms = has.sm.smCount;
  return partition;
}

}  // namespace daris::engine::torch
