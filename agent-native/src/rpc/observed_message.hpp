// Observed state as it goes over the wire.
#pragma once

#include <string>

#include "runtime.pb.h"
#include "runtime/observed_state.hpp"

namespace daris::rpc {

[[nodiscard]] ::daris::runtime::v1::ObservedState messageOf(const runtime::ObservedState& state,
                                                            const std::string& instanceId);

}  // namespace daris::rpc
