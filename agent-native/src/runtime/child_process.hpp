// Starting a program as a child that does not outlive its parent.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <string>
#include <vector>

namespace daris::runtime {

/// argv; the program is found by its path.
using CommandLine = std::vector<std::string>;

/// The child is killed when this process dies, and none of `blocked` is blocked in it. Its stdout is
/// `output`, a descriptor; -1: this process's. Throws std::system_error where no process can be had; a
/// program that cannot be executed ends with status 127.
[[nodiscard]] pid_t startChild(const CommandLine& command, const sigset_t& blocked, int output = -1);

/// Of what waitpid tells: the exit status, or 128 + the signal that ended it.
[[nodiscard]] int exitStatusOf(int status);

}  // namespace daris::runtime
