#include "runtime/child_process.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace daris::runtime {

namespace {

constexpr int kCannotExec = 127;

/// In the child, between fork and exec: async-signal-safe calls alone.
[[noreturn]] void become(char* const* argv, pid_t parent, const sigset_t& blocked, int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(kCannotExec);  // it died before the line above
  if (output >= 0) ::dup2(output, STDOUT_FILENO);
  ::sigprocmask(SIG_UNBLOCK, &blocked, nullptr);
  ::execv(argv[0], argv);
  ::_exit(kCannotExec);
}

}  // namespace

pid_t startChild(const CommandLine& command, const sigset_t& blocked, int output) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) become(argv.data(), parent, blocked, output);
  return child;
}

int exitStatusOf(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace daris::runtime
