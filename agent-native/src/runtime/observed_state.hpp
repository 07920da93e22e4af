// What an agent sees of this runtime, as plain values in the words of proto/runtime.proto.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "device/report.hpp"
#include "model/manifest.hpp"
#include "runtime/desired_state.hpp"
#include "runtime/statistics.hpp"

namespace daris::runtime {

enum class ModelPhase : std::uint8_t { Loading, Ready, Failed };
enum class TaskPhase : std::uint8_t { Loading, Serving, Refused };

struct ObservedModel {
  std::string digest;
  std::string uri;
  ModelPhase phase = ModelPhase::Loading;
  std::string reason;                               // Failed: why; Ready: why it could not be measured
  std::string message;                              // with a reason
  std::shared_ptr<const model::Manifest> manifest;  // null: the package did not open
  std::uint64_t memoryBytes = 0;
  std::vector<BatchTiming> batches;
  bool measured = false;              // `batches` hold under the partitioning in force
  std::uint32_t stagesMeasured = 0;   // so far, each counted once for each batch size
  std::uint32_t stagesToMeasure = 0;  // 0 before measuring began
};

struct ObservedTask {
  std::string uid;
  std::uint64_t epoch = 0;
  TaskPhase phase = TaskPhase::Loading;
  std::string reason;
  std::string message;
  std::uint32_t context = 0;
  DurationUs afetUs = 0;
  DurationUs mretUs = 0;
  std::int64_t utilizationE9 = 0;
  std::uint32_t capacity = 1;  // n*
  TaskStatistics statistics;
};

struct ObservedContext {
  std::uint32_t index = 0;
  std::uint32_t sms = 0;        // granted
  std::uint32_t wantedSms = 0;  // asked for by eq. 9
  std::uint32_t streams = 0;
  std::int64_t highUtilizationE9 = 0;
  std::int64_t lowUtilizationE9 = 0;
  std::int64_t activeUtilizationE9 = 0;
  std::uint64_t busyUs = 0;
};

struct ObservedState {
  std::uint64_t appliedGeneration = 0;
  std::int64_t wallUs = 0;
  std::string gpuUuid;
  std::optional<device::Report> gpu;  // absent: no driver tells of it
  std::vector<ObservedContext> contexts;
  std::string partitionFault;  // why the device cannot be divided as desired
  std::vector<ObservedModel> models;
  std::vector<ObservedTask> tasks;
};

}  // namespace daris::runtime
