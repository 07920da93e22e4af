// A worker's life: from its engine to the end of its runtime.
#pragma once

#include <functional>
#include <memory>

#include "engine/engine.hpp"
#include "engine/workers/mailbox.hpp"

namespace daris::engine::workers {

/// Makes the engine that the worker runs, which it divides itself; may take seconds. Throws.
using MakeEngine = std::function<std::unique_ptr<Engine>()>;

/// Serves the runtime at the other end of `socket`, as a context of so many streams, until it says that it is
/// enough, or is gone. In the latter case the process ends at once, whatever it does. Answers the process's
/// exit status.
[[nodiscard]] int serve(UniqueFd socket, const SharedMemory& mailbox, std::uint32_t streams,
                        const MakeEngine& make_engine);

/// Leaves the report in the mailbox, where the runtime finds it after this process has ended.
void leave_last_words(const SharedMemory& mailbox, const char* report) noexcept;

}  // namespace daris::engine::workers
