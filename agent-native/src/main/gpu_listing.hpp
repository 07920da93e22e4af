// Which GPUs a node's runtimes are to serve.
#pragma once

#include <string>
#include <vector>

#include "runtime/flags.hpp"

namespace daris::main {

/// Whether a runtime is to serve each of several GPUs: not where the flags name one, or an engine that runs
/// on cores.
[[nodiscard]] bool mayBeSeveral(const runtime::Flags& flags);

/// UUIDs; none where the cores are what is served. Asks the driver, and opens no GPU: for a process of its
/// own, since a driver may end it. Throws FlagError where the flags ask for what this machine cannot give,
/// std::runtime_error where the driver fails, which may pass.
[[nodiscard]] std::vector<std::string> servedGpus(const runtime::Flags& flags);

/// The UUID of a simulated GPU, from 0.
[[nodiscard]] std::string simulatedUuid(std::uint32_t number);

}  // namespace daris::main
