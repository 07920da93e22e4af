// What of a GPU's errors keeps new work from it. Pure.
#pragma once

#include <optional>

#include "device/report.hpp"

namespace daris::device {

/// Whether an Xid error is the fault of a program, which the GPU outlives: its own engine ends over it.
[[nodiscard]] bool isOfProgram(std::uint64_t xid);

/// The gravest fault there is. `xid`: the first one that was none of a program's.
[[nodiscard]] std::optional<Fault> faultOf(const Reading& reading, const std::optional<Xid>& xid);

}  // namespace daris::device
