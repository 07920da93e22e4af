#!/usr/bin/env bash
# What the scheduler costs: ResNet18, fp16, batch 1, four stages, eight lanes in several partitionings, saturated, beside
# a bare loop over the same graphs. One JSON document a line in RESULTS/overhead.jsonl, and where they were measured in
# RESULTS/machine.json; `node bench/gpu/collect.ts RESULTS` makes bench/results/gpu.json of both.
#   bench/gpu/overhead.sh BUNDLE RESULTS
set -uo pipefail
cd "$(dirname "$0")/../.."
BUNDLE=$(realpath "${1:?the bundle}")
RESULTS=$(realpath "${2:?the folder of results}")
PACKAGES=${PACKAGES:-/tmp/daris-packages}
mkdir -p "$PACKAGES"
. test/gpu/environment.sh
package resnet18 resnet18 --stages 4 --batches 1,8 || exit 1

run() {
  timeout 60 "$BUNDLE/gpu-bench" --package="$PACKAGES/resnet18" --core=4 --seconds="${SECONDS_EACH:-2}" "$@" \
    >"$RESULTS/run.json" 2>"$RESULTS/run.err" || { echo "$*: $(tail -3 "$RESULTS/run.err")"; return 1; }
  python3 -c 'import json, sys; print(json.dumps(json.load(open(sys.argv[1]))))' "$RESULTS/run.json" \
    >>"$RESULTS/overhead.jsonl"
  python3 - "$RESULTS/run.json" "$*" <<'PYTHON'
import json
import sys

run = json.load(open(sys.argv[1]))
rows = [(kind, [each["jobsPerS"] for each in run[kind]], run[kind][-1]["jobUs"]) for kind in ("bare", "scheduled")]
print(sys.argv[2], run["partition"]["sms"], "afet", run["afetUs"], "MiB", run["slotMiB"], "ratio", run["scheduledToBare"])
for kind, rates, spread in rows:
    print("   ", kind, rates, spread)
PYTHON
}

python3 - "$(cat "$BUNDLE/commit")" "${SECONDS_EACH:-2}" >"$RESULTS/machine.json" <<'PYTHON'
import json
import os
import platform
import subprocess
import sys

query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
gpu, driver = subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()[0].split(", ")
processor = next(line.split(": ")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
machine = {
    "processor": processor,
    "cores": os.cpu_count(),
    "kernel": platform.release().split("-")[0],
    "gpu": gpu,
    "driver": driver,
}
print(json.dumps({"machine": machine, "commit": sys.argv[1], "secondsEach": float(sys.argv[2])}))
PYTHON

rm -f "$RESULTS/overhead.jsonl"
run --mode=Streams --contexts=1 --streams=8
run --mode=Streams --contexts=8 --streams=1
run --mode=GreenContexts --contexts=4 --streams=2 --oversubscription=2
run --mode=GreenContexts --contexts=4 --streams=2 --oversubscription=1
run --mode=GreenContexts --contexts=8 --streams=1 --oversubscription=1 --fine=1
run --mode=Streams --contexts=1 --streams=8 --copies=1
run --mode=Streams --contexts=1 --streams=1
rm -f "$RESULTS/run.json" "$RESULTS/run.err"
