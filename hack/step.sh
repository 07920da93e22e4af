#!/usr/bin/env bash
# Runs one set-up step: a line with its name and time, its output kept in build/logs and shown only when it fails.
set -euo pipefail
name=${1:?usage: step.sh NAME COMMAND...}
shift
log=build/logs/$(tr ' A-Z' '-a-z' <<< "$name").log
mkdir -p build/logs
start=$(date +%s%N)
printf '%-34s ' "$name" >&2
status=0
"$@" > "$log" 2>&1 || status=$?
seconds=$(awk "BEGIN { printf \"%.1f\", ($(date +%s%N) - $start) / 1e9 }")
if [ "$status" = 0 ]; then
  echo "${seconds} s" >&2
else
  echo "failed after ${seconds} s (exit status $status); the end of $log:" >&2
  tail -n 40 "$log" >&2
  exit "$status"
fi
