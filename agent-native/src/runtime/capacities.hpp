// Which classes join, and how many of their jobs may go together: a pure decision over desired state and
// models (docs/joining.md).
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "runtime/desired_state.hpp"
#include "runtime/observed_state.hpp"

namespace daris::runtime {

/// Model digest and batch size: tasks of one GPU that share these are a class.
using ClassKey = std::pair<std::string, std::uint32_t>;

/// Ascending from 1; empty: the class does not join.
using Capacities = std::vector<sched::Capacity>;

/// Of the classes that join; others are left out.
using JoinedClasses = std::map<ClassKey, Capacities>;

/// Models by digest.
using ModelTable = std::map<std::string, ObservedModel, std::less<>>;

/// Of a class of batch b: each n, at most 16 and none over 256, for which the loaded model has the batch size
/// b * n and its AFETs are known, by what is desired or else by the runtime's own measurement under the
/// partitioning in force. Empty where there is none but 1.
[[nodiscard]] Capacities capacitiesOf(const ObservedModel& model, const std::vector<BatchTiming>& desired,
                                      std::uint32_t batch);

/// The capacities of all classes of desired tasks; none where the policy does not say so.
[[nodiscard]] JoinedClasses joinedClasses(const DesiredState& desired, const ModelTable& models);

/// Whether both let as many jobs go together.
[[nodiscard]] bool sameSizes(const Capacities& a, const Capacities& b);

}  // namespace daris::runtime
