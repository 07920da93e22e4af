// libFuzzer over sequences of core calls: every input is a sequence, checked call by call against the
// reference. Build with clang and -DDARIS_FUZZ=ON; run build/bin/sched_calls_fuzz.
#include <cstdio>
#include <cstdlib>

#include "audit.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto failure = daris::sched::audit(daris::sched::stepsFrom({data, size}));
  if (failure) {
    std::fprintf(stderr, "%s\n", failure->c_str());
    std::abort();
  }
  return 0;
}
