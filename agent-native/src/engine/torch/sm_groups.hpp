// Which SMs a green context gets. The driver hands SMs out in groups; contexts are made of groups of one
// split, so that they may share some (OS > 1). Arithmetic alone: nothing here needs a GPU.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/partition.hpp"

namespace daris::engine::torch {

/// What one split of a GPU's SMs gives: `count` groups of `size` SMs. SMs that fill no group (4 of 132 in
/// groups of 8) serve the contexts of the whole GPU alone.
struct SmSplit {
  std::uint32_t size = 1;
  std::uint32_t count = 1;
};

/// Groups of a context by their index in the split, ascending; empty: the whole GPU.
using SmGroups = std::vector<std::uint32_t>;

/// The groups of each context: as few as hold its sms_per_context, dealt in a row and starting anew at the
/// end, so that no group serves more than one context more than another. A share that needs all groups is the
/// whole GPU, and so is every share in mode Streams. Throws as sms_per_context.
[[nodiscard]] std::vector<SmGroups> deal_groups(std::uint32_t sms, const SmSplit& split,
                                                const Partitioning& partitioning);

}  // namespace daris::engine::torch
