#!/usr/bin/env bash
# On a machine with a GPU and PyTorch: what NVML really answers, and a runtime that sees another program come and go.
#   test/gpu/foreign-sharing.sh BUNDLE RESULTS     BUNDLE: hack/gpu-bundle.sh BUNDLE foreign_sharing_gpu_test daris-runtime
set -uo pipefail
BUNDLE=$(realpath "${1:?the bundle}")
RESULTS=$(realpath "${2:?the folder of results}")
. "$(dirname "$0")/environment.sh"
test=$BUNDLE/foreign_sharing_gpu_test
folder=$(mktemp -d)
failed=0
gib=$((1 << 30))

say() { printf '%s\n' "$*"; }
check() { # check WHAT COMMAND...
  if "${@:2}"; then say "ok      $1"; else say "FAILED  $1" && failed=1; fi
}
# Another program with 3 GiB of the GPU, until leave.
enter() {
  mkfifo "$folder/in"
  "$test" --occupy $((3 * gib)) <"$folder/in" >"$folder/out" &
  occupant=$!
  exec 9>"$folder/in"
  within 20 grep -q ready "$folder/out"
}
leave() {
  exec 9>&-
  wait "$occupant"
  rm -f "$folder/in" "$folder/out"
}
within() { # within SECONDS COMMAND...
  local until=$((SECONDS + $1))
  until "${@:2}"; do
    [ "$SECONDS" -lt "$until" ] || return 1
    sleep 0.1
  done
}
logged() { # logged COUNT PATTERN
  [ "$(grep -c "$2" "$RESULTS/runtime.log")" -ge "$1" ]
}

nvidia-smi --query-gpu=name,driver_version,memory.used,memory.reserved --format=csv,noheader
timeout 60 "$test" --gtest_color=no >"$RESULTS/foreign_sharing.log" 2>&1
check "foreign_sharing_gpu_test" test $? -eq 0
grep -E "^(listed|before|seen)|Failure|FAILED|PASSED|SKIPPED" -A3 "$RESULTS/foreign_sharing.log" | head -60

if unshare -pf --mount-proc true 2>/dev/null; then
  check "another program begins" enter
  timeout 30 unshare -pf --mount-proc "$test" --gtest_color=no --gtest_also_run_disabled_tests \
    --gtest_filter='*AnotherNamespace*' >"$RESULTS/another_namespace.log" 2>&1 9>&-
  check "a process of another PID namespace is betrayed by its memory" test $? -eq 0
  grep -E "^(before|seen)|Failure" -A3 "$RESULTS/another_namespace.log" | head -20
  leave
else
  say "skipped PID namespaces: unshare is not allowed here"
fi

check "another program begins" enter
"$BUNDLE/daris-runtime" --engine=torch --socket="$folder/socket" --model-root="$folder" --cores=0-3 \
  >"$RESULTS/runtime.out" 2>"$RESULTS/runtime.log" 9>&- &
runtime=$!
check "a runtime that starts beside another program says so" within 30 logged 1 'works on this GPU too'
leave
check "and that it has gone" within 10 logged 1 '"others":"nobody"'
check "another program begins" enter
check "the running runtime sees it" within 10 logged 2 'works on this GPU too'
leave
check "and its end" within 10 logged 2 '"others":"nobody"'
kill -TERM "$runtime"
wait "$runtime"
check "the runtime ends as asked" test $? -eq 0
grep -E "who else|health|listening|error|cannot" "$RESULTS/runtime.log" "$RESULTS/runtime.out" | cut -c1-300
rm -rf "$folder" "$libraries"
exit "$failed"
