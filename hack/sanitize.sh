#!/usr/bin/env bash
# Runs what was built under sanitizers in build/tsan or build/asan: sanitize.sh tsan|asan [CTEST ARGUMENTS].
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:?usage: sanitize.sh tsan|asan [CTEST ARGUMENTS]}
shift
suppressions=$PWD/agent-native/tests/sanitizers
# What was not built with a sanitizer synchronizes by means that it does not see.
export TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1:ignore_noninstrumented_modules=1:suppressions=$suppressions/thread.txt"
export ASAN_OPTIONS="detect_stack_use_after_return=1:strict_string_checks=1"
export LSAN_OPTIONS="suppressions=$suppressions/leak.txt"
export UBSAN_OPTIONS="print_stacktrace=1"
# Kernels that randomize addresses by more than 28 bits leave ThreadSanitizer no room; not every container may say no.
fixed=()
setarch --addr-no-randomize true 2> /dev/null && fixed=(setarch --addr-no-randomize)
exec "${fixed[@]}" ctest --test-dir "build/$build" --output-on-failure --exclude-regex _NOT_BUILT "$@"
