// What each of several runtimes gets of the one command line that their supervisor was given: a GPU, a
// socket, a port and a part of the cores. Pure.
#pragma once

#include <string>
#include <vector>

#include "runtime/child_process.hpp"
#include "runtime/flags.hpp"

namespace daris::runtime {

/// The command of each GPU's runtime, in the order of `gpus` (UUIDs). With fewer than two of them it is
/// `base` alone, as it is. Else the first has the socket PATH.EXT, the next ones PATH-1.EXT, PATH-2.EXT, …;
/// ports count from the one that was given, where one was; the cores are split evenly. `base`: the
/// supervisor's own command line, which `flags` were read from, without --supervise. Throws FlagError where
/// cores, ports or the socket's path do not suffice.
[[nodiscard]] std::vector<CommandLine> gpuShares(const CommandLine& base, const Flags& flags,
                                                 const std::vector<std::string>& gpus);

/// The socket of the runtime that is `index`-th among its supervisor's.
[[nodiscard]] std::string socketOf(const std::string& socket, std::size_t index);

}  // namespace daris::runtime
