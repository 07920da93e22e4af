// Desired state as it comes over the wire.
#pragma once

#include "runtime.pb.h"
#include "runtime/desired_state.hpp"

namespace daris::rpc {

/// Throws InvalidArgument naming a field that is not set.
[[nodiscard]] runtime::DesiredState desiredOf(const ::daris::runtime::v1::DesiredState& message);

}  // namespace daris::rpc
