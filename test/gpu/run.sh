#!/usr/bin/env bash
# The tests that need a GPU, on a machine that has one and PyTorch; packages are made there first.
#   test/gpu/run.sh BUNDLE RESULTS     BUNDLE: made by hack/gpu-bundle.sh; RESULTS: where logs go
set -uo pipefail
cd "$(dirname "$0")/../.."
BUNDLE=$(realpath "${1:?the bundle}")
RESULTS=$(realpath "${2:?the folder of results}")
PACKAGES=${PACKAGES:-/tmp/daris-packages}
mkdir -p "$PACKAGES"
. test/gpu/environment.sh

nvidia-smi --query-gpu=name,driver_version,memory.used,clocks.sm --format=csv,noheader
failed=0
for test in sm_partition row_kernels; do
  echo "${test}_gpu_test"
  timeout 60 "$BUNDLE/${test}_gpu_test" >"$RESULTS/$test.log" 2>&1 || failed=1
  tail -3 "$RESULTS/$test.log"
done

package gemm test/gpu/models.py:gemm --stages 2 --batches 1,8 --input 1024 &
package table test/gpu/models.py:table --stages 1 --input 4:INT64 &
package resnet18 resnet18 --stages 4 --batches 1,8 &
package chain test/gpu/models.py:gemm --stages 4 --batches 1,2 --input 1024 --dtype fp32 &
wait
ls "$PACKAGES"

for test in torch_engine torch_contract mps; do
  echo "${test}_gpu_test"
  DARIS_GPU_PACKAGES=$PACKAGES timeout 200 "$BUNDLE/${test}_gpu_test" --gtest_color=no >"$RESULTS/$test.log" 2>&1 || failed=1
  grep -E "^\[  (PASSED|SKIPPED|FAILED)|tests ran|Failure" -A4 "$RESULTS/$test.log" | tail -60
done
exit "$failed"
